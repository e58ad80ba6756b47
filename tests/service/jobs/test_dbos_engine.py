"""DBOS behind the port of jobs, on both databases."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from service.jobs.dbos_engine import DbosEngine
from service.storage.job_queue import Portion

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sqlalchemy import Engine

    from service.jobs.engine import IsMine

HERE, ELSEWHERE = "w-here", "w-elsewhere"
OUTCOMES = {"sqlite": "workflow_status", "postgresql": "dbos.workflow_status"}


class Doing:
    """Portions that begin and do not end until they may."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()

    async def do(self, _: Sequence[str], __: IsMine) -> None:
        self.begun.set()
        await self.may_end.wait()


@pytest.fixture
async def doing() -> Doing:
    return Doing()


@pytest.fixture
async def started(engine: Engine, doing: Doing) -> AsyncIterator[DbosEngine]:
    made = DbosEngine(engine, executor_id=HERE, at_once=4)
    await made.start(doing.do)
    yield made
    doing.may_end.set()
    await made.stop()


def begun_by_its_row_alone(engine: Engine, started: DbosEngine, portion_id: str, executor_id: str) -> None:
    """A portion as it stands when its outcome could not be written: begun, and nobody does it."""
    where = OUTCOMES[engine.dialect.name]
    with engine.begin() as connection:
        started.enqueue(connection, [Portion(id=portion_id, job_ids=("job_1",), priority=10)])
        begun = text(f"UPDATE {where} SET status = 'PENDING', executor_id = :by WHERE workflow_uuid = :id")
        connection.execute(begun, {"by": executor_id, "id": portion_id})


async def test_a_portion_that_is_begun_here_by_its_row_alone_is_let_go_and_others_are_not(
    engine: Engine, started: DbosEngine, doing: Doing
) -> None:
    with engine.begin() as connection:
        started.enqueue(connection, [Portion(id="por_really", job_ids=("job_2",), priority=10)])
    await asyncio.wait_for(doing.begun.wait(), 20)
    begun_by_its_row_alone(engine, started, "por_slipped", HERE)
    begun_by_its_row_alone(engine, started, "por_theirs", ELSEWHERE)
    portions = {"por_really", "por_slipped", "por_theirs"}
    assert await asyncio.to_thread(started.purge) == 0, "it may have been claimed just now"
    assert await asyncio.to_thread(started.alive, portions) == portions
    assert await asyncio.to_thread(started.purge) == 1
    assert await asyncio.to_thread(started.alive, portions) == {"por_really", "por_theirs"}
