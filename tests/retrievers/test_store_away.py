"""The store of examples while its database is away: the error is SQLAlchemy's, which callers know how to wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from retrievers.store import ExampleStore
from service.storage.engine import open_engine

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


def test_a_database_that_cannot_be_reached_is_told_as_sqlalchemy_tells_it() -> None:
    engine = open_engine("postgresql://nobody@127.0.0.1:1/nowhere")
    with pytest.raises(OperationalError, match="refused"):
        ExampleStore(engine).revision()


@pytest.mark.postgres
@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_connection_that_was_cut_in_the_pool_costs_no_answer(engine: Engine) -> None:
    store = ExampleStore(engine)
    revision = store.revision()
    other = open_engine(engine.url.render_as_string(hide_password=False), pool_size=1)
    with other.connect() as connection:
        others = "pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = :name"
        cut = f"SELECT count(pg_terminate_backend(pid)) FROM {others}"
        assert connection.execute(text(cut), {"name": engine.url.database}).scalar_one() >= 1
    other.dispose()
    assert store.revision() == revision
