"""One process's work on jobs without a job engine, and a pipeline that does as a test tells it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from domain import Article, Riddle
from service.jobs.progress import Progress
from service.jobs.work import JobWork, Stores
from service.storage.batches import BatchRepository, NewBatch
from service.storage.intake import IntakeRules
from service.storage.job_queue import JobQueue
from service.storage.jobs import JobRepository
from service.storage.riddles import RiddleRepository
from service.storage.writer import Writer
from service.telemetry.job_metrics import JobMetrics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy import Engine

BATCH = f"bat_{1:032x}"


class Pipeline:
    """Makes the riddle of an article as `make` does; remembers how many were in work at once."""

    def __init__(self, make: Callable[[Article], Awaitable[Riddle]]) -> None:
        self._make = make
        self.at_once = 0
        self.most_at_once = 0

    async def ainvoke(self, article: Article, **_: Any) -> Riddle:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._make(article)
        finally:
            self.at_once -= 1


class Lab:
    """Jobs of one batch on a database, and the work on them."""

    def __init__(self, engine: Engine) -> None:
        self.writer = Writer(engine)
        self.stores = Stores(
            engine=engine,
            writer=self.writer,
            jobs=JobRepository(engine, self.writer),
            riddles=RiddleRepository(engine, self.writer),
        )
        self.batches = BatchRepository(engine)

    def send(self, count: int) -> list[str]:
        """The jobs of a batch of so many articles."""
        new = NewBatch(
            id=BATCH,
            articles=[Article(text=f"text {number}") for number in range(count)],
            pipeline="p",
            key_id=None,
            tenant=None,
            priority=10,
        )
        self.batches.create(new, rules=IntakeRules(dedup_since=datetime.now(UTC) - timedelta(days=1)))
        portions: list[str] = []
        JobQueue(self.stores.engine).hand_over(
            count,
            lambda _, given: portions.extend(given[0].job_ids),
            portion_size=count,
            at_most_waiting=count,
        )
        return portions

    def work(self, pipeline: Pipeline, slots: int = 4) -> JobWork:
        """A process that has nothing in hand yet."""
        found: Any = pipeline
        return JobWork(
            self.stores,
            pipeline=lambda _: found,
            worker="w1",
            slots=slots,
            patience_s=3600,
            doubts=lambda _: False,
            progress=Progress(stuck_after_s=900),
            metrics=JobMetrics(CollectorRegistry()),
        )

    def counts(self) -> dict[str, int]:
        """The articles of the batch by status."""
        return self.batches.get(BATCH).counts.by_status


async def begun(work: JobWork) -> None:
    """Wait until a job is in work."""
    while not work.running:  # noqa: ASYNC110 -- there is nothing to wait on
        await asyncio.sleep(0.01)


async def good(article: Article) -> Riddle:
    """A riddle, after a while."""
    await asyncio.sleep(0.1)
    return Riddle(article=article, status="published", pipeline="p")


async def mine() -> bool:
    """No other executor has the portion."""
    return True
