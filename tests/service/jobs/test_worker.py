"""The worker of a process that is told to stop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from service.jobs.work import Stores
from service.jobs.worker import Worker
from service.setting_groups.background import JobSettings
from service.storage.jobs import JobRepository
from service.storage.riddles import RiddleRepository
from service.storage.writer import Writer
from service.telemetry.job_metrics import JobMetrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def worker(engine: Engine) -> Iterator[Worker]:
    writer = Writer(engine)
    stores = Stores(
        engine=engine, writer=writer, jobs=JobRepository(engine, writer), riddles=RiddleRepository(engine, writer)
    )
    nothing: Any = None
    yield Worker(stores, pipeline=lambda _: nothing, settings=JobSettings(), metrics=JobMetrics(CollectorRegistry()))
    writer.close()


async def test_a_stop_that_comes_while_it_starts_ends_what_was_started(worker: Worker) -> None:
    starting = asyncio.create_task(worker.news())
    await asyncio.sleep(0.02)
    async with asyncio.timeout(30):
        await worker.stop(5)
    await starting
    assert not worker.is_started


async def test_a_start_that_fails_is_tried_again_and_fails_nobody_who_sent_jobs(worker: Worker, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE VIEW workflow_status AS SELECT 1"))  # where DBOS makes a table of its own
    await worker.news()
    with pytest.raises(OperationalError):
        await worker.start()
    with engine.begin() as connection:
        connection.execute(text("DROP VIEW workflow_status"))
    await worker.news()
    assert worker.is_started
    await worker.stop(5)


async def test_it_says_that_it_starts_until_it_can_begin_jobs(worker: Worker) -> None:
    starting = asyncio.create_task(worker.news())
    await asyncio.sleep(0)
    assert worker.health().state == "starting"
    await starting
    assert worker.health().state == "idle"
    await worker.stop(5)


async def test_what_comes_in_after_it_was_told_to_begin_no_more_starts_nothing(worker: Worker) -> None:
    worker.begin_no_more()
    await worker.news()
    assert not worker.is_started
    assert worker.health().state == "draining"
