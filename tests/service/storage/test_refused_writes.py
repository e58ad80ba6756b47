"""A database that answers every question and takes no write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError

from service.storage.engine import open_engine
from service.storage.migrate import migrate
from service.storage.refused_writes import TRY_EVERY_S, RefusedWrites, is_full
from service.storage.tables import idempotency
from tests.support.clock import Clock

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine
    from sqlalchemy.engine import Connection

SWITCHES = {"sqlite": "PRAGMA query_only = {}", "postgresql": "SET TRANSACTION READ {}"}
STATES = {"sqlite": {True: "1", False: "0"}, "postgresql": {True: "ONLY", False: "WRITE"}}


class Switch:
    """Makes a database read-only, and lets it be written again."""

    def __init__(self, engine: Engine) -> None:
        self.is_on = False
        self._kind = engine.dialect.name
        self._engine = engine
        self.writes = 0
        event.listen(engine, "begin", self._begins)

    def _begins(self, connection: Connection) -> None:
        self.writes += 1
        driver: object = connection.connection.driver_connection
        driver.execute(SWITCHES[self._kind].format(STATES[self._kind][self.is_on]))  # type: ignore[attr-defined]

    def refused_write(self) -> None:
        self.is_on = True
        with pytest.raises(DBAPIError), self._engine.begin() as connection:
            connection.execute(text("DELETE FROM idempotency"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def refused(engine: Engine, clock: Clock) -> RefusedWrites:
    return RefusedWrites(engine, clock=clock)


def test_a_database_that_refused_nothing_is_not_written_to(engine: Engine, refused: RefusedWrites) -> None:
    switch = Switch(engine)
    assert refused.reason() is None
    assert switch.writes == 0


def test_a_refused_write_is_remembered_until_one_is_taken(engine: Engine, refused: RefusedWrites, clock: Clock) -> None:
    switch = Switch(engine)
    switch.refused_write()
    assert refused.reason() == "it is read-only"
    clock.now += TRY_EVERY_S
    assert refused.reason() == "it is read-only"
    switch.is_on = False
    assert refused.reason() == "it is read-only"  # it was tried just now
    clock.now += TRY_EVERY_S
    assert refused.reason() is None


def test_trying_leaves_nothing_behind(engine: Engine, refused: RefusedWrites, clock: Clock) -> None:
    switch = Switch(engine)
    switch.refused_write()
    switch.is_on = False
    clock.now += TRY_EVERY_S
    assert refused.reason() is None
    with engine.connect() as connection:
        assert connection.execute(select(idempotency)).all() == []


def test_another_error_is_no_refusal(engine: Engine, refused: RefusedWrites) -> None:
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.execute(text("DELETE FROM no_such_table"))
    assert refused.reason() is None


def test_a_full_disk_is_told_from_a_read_only_one(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'small.db'}")
    migrate(engine)
    refused = RefusedWrites(engine)
    event.listen(engine, "connect", lambda dbapi, _: dbapi.execute("PRAGMA max_page_count = 1"))
    engine.dispose()
    with pytest.raises(DBAPIError) as failure, engine.begin() as connection:
        connection.execute(text("INSERT INTO provider_limits SELECT hex(randomblob(100000)), 1, 1, 1, 1, 1"))
    assert is_full(failure.value.orig)
    assert refused.reason() == "its disk is full"
    engine.dispose()
