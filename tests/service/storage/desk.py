"""Jobs and batches for tests that play the worker."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from domain import Article, Riddle
from service.storage.batches import BatchRepository, NewBatch
from service.storage.intake import IntakeRules
from service.storage.job_queue import JobQueue
from service.storage.job_tables import job_calls, jobs
from service.storage.jobs import JobRepository
from service.storage.riddles import RiddleRepository
from service.storage.writer import Writer

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from service.storage.batch_rows import StoredBatch
    from service.storage.jobs import StartedJob

LONG_AGO = datetime.now(UTC) - timedelta(days=1)


class Desk:
    """Jobs and batches on one database, without an engine that runs them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.writer = Writer(engine)
        self.finished: list[str] = []
        self.jobs = JobRepository(engine, self.writer, lambda _, batch_id: self.finished.append(batch_id))
        self.queue = JobQueue(engine)
        self.batches = BatchRepository(engine, self.jobs.on_batch_finished)
        self.riddles = RiddleRepository(engine, self.writer)
        self._numbers = count(1)

    def send(self, *texts: str, **options: Any) -> StoredBatch:
        return self.send_articles(*(Article(text=text) for text in texts), **options)

    def send_articles(
        self,
        *articles: Article,
        pipeline: str = "p",
        tenant: str | None = None,
        key_id: str | None = None,
        since: datetime | None = LONG_AGO,
        most_waiting: int | None = None,
    ) -> StoredBatch:
        new = NewBatch(
            id=f"bat_{next(self._numbers):032x}",
            articles=articles,
            pipeline=pipeline,
            key_id=key_id,
            tenant=tenant,
            priority=10,
        )
        return self.batches.create(new, rules=IntakeRules(dedup_since=since, most_waiting=most_waiting))

    def job_ids(self) -> list[str]:
        with self.engine.connect() as connection:
            return [row.id for row in connection.execute(select(jobs.c.id).order_by(jobs.c.id)).all()]

    def newest_job(self) -> str:
        return self.job_ids()[-1]

    def begin(self, job_id: str, worker: str = "w1", fewer_than: int | None = None) -> StartedJob | None:
        return asyncio.run(self.jobs.abegin(job_id, worker, fewer_than=fewer_than))

    def started(self, job_id: str, worker: str = "w1") -> StartedJob:
        job = self.begin(job_id, worker)
        assert job is not None
        return job

    def keep(self, job: StartedJob) -> None:
        riddle = Riddle(article=job.article, status="published", pipeline=job.pipeline)
        self.riddles.save(
            riddle, also=lambda connection, stored: self.jobs.settle(connection, job, "published", riddle_id=stored.id)
        )

    def fail(self, job: StartedJob) -> None:
        asyncio.run(self.jobs.afail(job, {"detail": "no"}))

    def note(self, job: StartedJob, *calls: str) -> None:
        rows = [{"job_id": job.id, "call_key": call, "answers": [{"text": "x"}]} for call in calls]
        with self.engine.begin() as connection:
            connection.execute(insert(job_calls), [{**row, "created_at": datetime.now(UTC)} for row in rows])

    def noted(self) -> dict[str, set[str]]:
        """The calls that are noted, by job."""
        found: dict[str, set[str]] = {}
        with self.engine.connect() as connection:
            for row in connection.execute(select(job_calls.c.job_id, job_calls.c.call_key)).all():
                found.setdefault(row.job_id, set()).add(row.call_key)
        return found

    def counts(self, batch: StoredBatch) -> dict[str, int]:
        return self.batches.get(batch.id).counts.by_status
