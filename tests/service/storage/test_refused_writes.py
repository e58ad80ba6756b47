"""A database that answers every question and takes no write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError, InternalError

from service.problems import problem_of
from service.storage.away import database_is_away
from service.storage.engine import open_engine
from service.storage.migrate import migrate
from service.storage.refused_writes import TRY_EVERY_S, RefusedWrites, is_full
from service.storage.tables import idempotency
from tests.support.clock import Clock
from tests.support.read_only import Switch

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


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


def test_a_read_only_database_is_away_and_whoever_sends_something_is_told_to_come_again(engine: Engine) -> None:
    refused_write = Switch(engine).refused_write()
    assert database_is_away(refused_write)
    problem = problem_of(refused_write)
    assert (problem.status, problem.body["type"]) == (503, "urn:riddlewire:problem:database-unavailable")
    assert "read-only" in problem.body["detail"]


def test_another_internal_error_of_a_database_is_no_outage() -> None:
    broken = InternalError("SELECT", {}, Exception("corrupted page"))
    assert not database_is_away(broken)
    assert problem_of(broken).status == 500


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
