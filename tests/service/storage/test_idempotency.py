from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, update

from service.storage.idempotency import (
    KEPT,
    LEASE,
    Begun,
    IdempotencyStore,
    InProgress,
    Mismatch,
    Replay,
    Started,
)
from service.storage.riddles import RiddleRepository
from service.storage.tables import batches
from tests.support.riddles import a_riddle

if TYPE_CHECKING:
    from sqlalchemy import Engine

ANSWER: dict[str, Any] = {
    "status": 201,
    "headers": {"Location": "/v1/riddles/rid_1"},
    "body": b'{"id": "r\xc3\xa4tsel"}',
}


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, by: timedelta) -> None:
        self.now += by + timedelta(seconds=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(engine: Engine, clock: Clock) -> IdempotencyStore:
    return IdempotencyStore(engine, clock)


def begin(store: IdempotencyStore, owner: str = "me", key: str = "k", body: str = "b") -> Begun:
    return store.begin(owner, key, body)


def started(store: IdempotencyStore, **which: str) -> Started:
    begun = begin(store, **which)
    assert isinstance(begun, Started)
    return begun


def test_the_first_request_works_and_the_second_waits(store: IdempotencyStore) -> None:
    assert isinstance(begin(store), Started)
    assert begin(store) == InProgress()


def test_the_answer_is_replayed_byte_for_byte(store: IdempotencyStore) -> None:
    assert store.finish(started(store), **ANSWER)

    assert begin(store) == Replay(**ANSWER)


@pytest.mark.parametrize("finished", [False, True])
def test_the_same_key_with_another_body_is_a_mismatch(store: IdempotencyStore, *, finished: bool) -> None:
    first = started(store)
    if finished:
        store.finish(first, **ANSWER)

    assert begin(store, body="other") == Mismatch()


def test_owners_do_not_share_keys(store: IdempotencyStore) -> None:
    started(store, owner="me")
    started(store, owner="you")


def test_an_abandoned_key_can_be_begun_again(store: IdempotencyStore) -> None:
    store.abandon(started(store))

    started(store)


def test_abandoning_a_finished_key_keeps_its_answer(store: IdempotencyStore) -> None:
    first = started(store)
    store.finish(first, **ANSWER)
    store.abandon(first)

    assert begin(store) == Replay(**ANSWER)


def test_of_many_requests_at_once_exactly_one_works(store: IdempotencyStore) -> None:
    with ThreadPoolExecutor(16) as threads:
        begun = list(threads.map(lambda _: begin(store), range(32)))

    assert sum(isinstance(one, Started) for one in begun) == 1


def test_an_answer_is_forgotten_after_a_day(store: IdempotencyStore, clock: Clock) -> None:
    store.finish(started(store), **ANSWER)
    clock.forward(KEPT)

    started(store)


def test_the_answer_of_a_batch_is_kept_while_the_batch_is_open_and_for_a_day_after_its_end(
    store: IdempotencyStore, engine: Engine, clock: Clock
) -> None:
    row = {"id": "bat_1", "created_at": clock(), "pipeline": "p", "total": 1, "open_items": 1}
    with engine.begin() as connection:
        connection.execute(insert(batches), row)
    store.finish(started(store), **ANSWER, batch_id="bat_1")
    clock.forward(5 * KEPT)
    assert store.purge() == 0
    assert begin(store) == Replay(**ANSWER)
    assert begin(store, body="other") == Mismatch()
    with engine.begin() as connection:
        connection.execute(update(batches).values(finished_at=clock()))
    clock.forward(KEPT / 2)
    assert store.purge() == 0
    assert begin(store) == Replay(**ANSWER)
    clock.forward(KEPT / 2)
    started(store)


def test_the_answer_of_a_batch_that_is_forgotten_is_dropped_like_any_other(
    store: IdempotencyStore, clock: Clock
) -> None:
    store.finish(started(store), **ANSWER, batch_id="bat_gone")
    assert begin(store) == Replay(**ANSWER)
    clock.forward(KEPT)
    assert store.purge() == 1


def test_purging_drops_only_what_has_expired(store: IdempotencyStore, clock: Clock) -> None:
    store.finish(started(store, key="old"), **ANSWER)
    clock.forward(KEPT / 2)
    store.finish(started(store, key="new"), **ANSWER)
    clock.forward(KEPT / 2)

    assert store.purge() == 1
    assert begin(store, key="new") == Replay(**ANSWER)


def test_the_answer_is_kept_with_the_riddle_or_not_at_all(store: IdempotencyStore, engine: Engine) -> None:
    repository = RiddleRepository(engine)
    first = started(store)

    def keep_and_fail(connection: Any, _stored: object) -> None:
        store.finish(first, **ANSWER, connection=connection)
        raise KeyError

    with pytest.raises(KeyError):
        repository.save(a_riddle(), also=keep_and_fail)
    assert begin(store) == InProgress()


def test_a_serving_process_that_starts_frees_what_a_dead_one_held(engine: Engine, clock: Clock) -> None:
    dead = IdempotencyStore(engine, clock)
    started(dead)
    finished = started(dead, key="done")
    dead.finish(finished, **ANSWER)
    clock.forward(LEASE)

    alive = IdempotencyStore(engine, clock)

    assert alive.recover() == 1
    started(alive)
    assert begin(alive, key="done") == Replay(**ANSWER)


def test_a_lost_lease_is_taken_over_and_its_late_answer_is_refused(engine: Engine, clock: Clock) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("one process: nothing is taken over while it lives")
    slow, quick = IdempotencyStore(engine, clock), IdempotencyStore(engine, clock)
    lost = started(slow)
    clock.forward(LEASE)

    held = started(quick)

    assert not slow.finish(lost, **{**ANSWER, "status": 500})
    slow.abandon(lost)
    assert quick.finish(held, **ANSWER)
    assert begin(slow) == Replay(**ANSWER)


def test_a_renewed_lease_is_not_taken_over(engine: Engine, clock: Clock) -> None:
    slow, quick = IdempotencyStore(engine, clock), IdempotencyStore(engine, clock)
    started(slow)
    for _ in range(3):
        clock.forward(LEASE / 2)
        slow.renew()

    assert quick.recover() == (1 if engine.dialect.name == "sqlite" else 0)  # on SQLite there is only ever one process
