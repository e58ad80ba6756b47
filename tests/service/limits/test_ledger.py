from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from chains.models.scope import CallScope
from domain.usage import Usage
from service.limits.ledger import Ledger
from service.storage.spend import SpendStore

if TYPE_CHECKING:
    from sqlalchemy import Engine

CALL = Usage(input_tokens=10, output_tokens=5, cost_usd=0.5, calls=1)


def test_many_calls_are_one_row_by_key_pipeline_and_provider(engine: Engine) -> None:
    store = SpendStore(engine)
    ledger = Ledger(store)
    for _ in range(3):
        ledger.add(CallScope(key_id="4f1c", pipeline="openai"), "openai", CALL)
    ledger.add(CallScope(pipeline="openai"), "openai", CALL)
    was_dirty = ledger.dirty_since is not None
    ledger.flush()
    assert (was_dirty, ledger.dirty_since) == (True, None)
    day = ledger._now().date().isoformat()
    assert {account.key_id: spent.calls for account, spent in store.of_day(day).items()} == {"4f1c": 3, "": 1}


def test_what_the_database_does_not_take_is_kept_for_the_next_time(engine: Engine) -> None:
    store = SpendStore(engine)
    ledger = Ledger(store)
    ledger.add(CallScope(), "openai", CALL)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE spend RENAME TO lost"))
    with pytest.raises(SQLAlchemyError):
        ledger.flush()
    ledger.add(CallScope(), "openai", CALL)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE lost RENAME TO spend"))
    ledger.flush()
    (spent,) = store.of_day(ledger._now().date().isoformat()).values()
    assert spent.calls == 2


def test_the_clerk_is_called_once_until_it_has_written(engine: Engine) -> None:
    calls: list[int] = []
    ledger = Ledger(SpendStore(engine))
    ledger.wake = lambda: calls.append(1)
    for _ in range(3):
        ledger.add(CallScope(), "openai", CALL)
    ledger.flush()
    ledger.add(CallScope(), "openai", CALL)
    assert len(calls) == 2
