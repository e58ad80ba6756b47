"""Jobs in SQL: what is to be done, who is at it, and how it ended. The truth, whatever the job engine remembers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import and_, bindparam, delete, func, null, or_, select, update

from domain.errors import RiddlewireError
from service.storage.batch_ends import close_worked
from service.storage.job_tables import workers
from service.storage.riddle_rows import article_of
from service.storage.tables import articles, batch_items, job_calls, jobs
from service.storage.types import Json, UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.engine import Connection, Engine
    from sqlalchemy.sql.dml import ReturningUpdate

    from domain.article import Article
    from service.storage.batch_ends import BatchFinished, WorkedStatus
    from service.storage.writer import Writer

OPEN: Final = ("queued", "running")
"""Statuses of jobs that are not finished."""


class Superseded(RiddlewireError):
    """A start of a job that was taken for dead tells how it ended: a later start has the say."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"job {job_id} was given to another worker or is finished; this outcome is dropped")


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedJob:
    """A job that a worker has begun.

    Args:
        id: Its id.
        article: What it is about.
        pipeline: By name.
        tenant: Whose examples it may be shown.
        key_id: Of the API key that asked for it first.
        starts: How often it was begun since it was accepted or asked for again, this time included.
        fence: Tells this start from all others.
        accepted_at: When it was accepted.
    """

    id: str
    article: Article
    pipeline: str
    tenant: str | None
    key_id: str | None
    starts: int
    fence: int
    accepted_at: datetime


class JobRepository:
    """Jobs in SQLite or PostgreSQL. Methods block: call them in a worker thread; `abegin` and `asettle` do.

    Args:
        engine: From `open_engine`.
        writer: Of that engine.
        on_batch_finished: Told the id of a batch in the transaction that finishes it.
    """

    def __init__(
        self,
        engine: Engine,
        writer: Writer,
        on_batch_finished: BatchFinished | None = None,
    ) -> None:
        self._engine = engine
        self._writer = writer
        self.on_batch_finished = on_batch_finished

    def starts(self, job_id: str) -> int | None:
        """How often an open job was begun so far; None when it is finished, cancelled or unknown."""
        query = select(jobs.c.starts).where(jobs.c.id == job_id, jobs.c.status.in_(OPEN))
        with self._engine.connect() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else int(found)

    async def abegin(self, job_id: str, worker: str, *, fewer_than: int | None = None) -> StartedJob | None:
        """Begin an open job; None when it is finished, cancelled, unknown, or begun by another worker that lives.

        Args:
            job_id: Its id.
            worker: Who begins it.
            fewer_than: None as well when it was begun so often already.
        """
        most = _ANY_NUMBER if fewer_than is None else fewer_than
        return await self._writer.write(lambda connection: self._begin(connection, job_id, worker, most))

    def _begin(self, connection: Connection, job_id: str, worker: str, most: int) -> StartedJob | None:
        begun = {"job": job_id, "by": worker, "most": most, "now": datetime.now(UTC)}
        row = connection.execute(_BEGIN, begun).first()
        if row is None:
            return None
        article = connection.execute(_ARTICLE, {"article": row.article_id}).one()
        return StartedJob(
            id=job_id,
            article=article_of(article._mapping),  # noqa: SLF001 -- SQLAlchemy's documented name
            pipeline=row.pipeline,
            tenant=row.tenant,
            key_id=row.key_id,
            starts=row.starts,
            fence=row.fence,
            accepted_at=row.created_at,
        )

    async def arelease(self, started: Collection[StartedJob]) -> None:
        """Let starts not count that were ended in good order before the jobs were."""

        def release(connection: Connection) -> None:
            for job in started:
                connection.execute(_RELEASE, _start(job))

        await self._writer.write(release)

    def check(self, job: StartedJob) -> None:
        """Nothing, if this start still has the say.

        Raises:
            Superseded: It has not.
        """
        with self._engine.connect() as connection:
            if connection.execute(_HAS_THE_SAY, _start(job)).first() is None:
                raise Superseded(job.id)

    def settle(
        self, connection: Connection, job: StartedJob, status: Literal["published", "needs_review"], *, riddle_id: str
    ) -> None:
        """Say in the transaction that keeps its riddle that a job is done.

        Raises:
            Superseded: Another start has the say; the transaction must not be committed.
        """
        self._end(connection, job, status, _END, {"ended": status, "riddle": riddle_id})
        connection.execute(_FORGET_CALLS, {"job": job.id})

    async def afail(self, job: StartedJob, problem: dict[str, Any]) -> None:
        """Say that a job cannot be done, and why. What it has paid for stays noted: a retry pays for the rest only.

        Raises:
            Superseded: Another start has the say.
        """
        await self._writer.write(lambda connection: self._end(connection, job, "failed", _FAIL, {"problem": problem}))

    def _end(
        self,
        connection: Connection,
        job: StartedJob,
        status: WorkedStatus,
        end: ReturningUpdate[datetime],
        how: dict[str, Any],
    ) -> None:
        now = datetime.now(UTC)
        ended = connection.execute(end, {**_start(job), "now": now, **how}).first()
        if ended is None:
            raise Superseded(job.id)
        for batch_id, count in connection.execute(_OPEN_ITEMS, {"job": job.id}).all():
            close_worked(
                connection,
                batch_id,
                status,
                count,
                began_at=ended.started_at,
                now=now,
                on_finished=self.on_batch_finished,
            )


def _start(job: StartedJob) -> dict[str, Any]:
    """What tells a start from others, as the statements below want it."""
    return {"job": job.id, "fence_of": job.fence}


# The statements of every job's way, put together once: SQLAlchemy needs longer for that than SQLite for running them.
_ANY_NUMBER: Final = 2**31 - 1
_NOW = bindparam("now", type_=UtcDateTime)
_OTHERS_ALIVE = select(workers.c.id).where(workers.c.gone_at.is_(None), workers.c.id != bindparam("by"))
_MINE = and_(jobs.c.id == bindparam("job"), jobs.c.status == "running", jobs.c.fence == bindparam("fence_of"))
_ARTICLE = select(articles).where(articles.c.id == bindparam("article"))
_HAS_THE_SAY = select(jobs.c.id).where(_MINE)
_RELEASE = update(jobs).where(_MINE).values(starts=jobs.c.starts - 1)
_FORGET_CALLS = delete(job_calls).where(job_calls.c.job_id == bindparam("job"))
_BEGIN = (
    update(jobs)
    .where(
        jobs.c.id == bindparam("job"),
        or_(jobs.c.status == "queued", and_(jobs.c.status == "running", jobs.c.worker.not_in(_OTHERS_ALIVE))),
        jobs.c.starts < bindparam("most"),
    )
    .values(
        status="running",
        starts=jobs.c.starts + 1,
        fence=jobs.c.fence + 1,
        worker=bindparam("by"),
        started_at=func.coalesce(jobs.c.started_at, _NOW),
    )
    .returning(
        jobs.c.article_id,
        jobs.c.pipeline,
        jobs.c.tenant,
        jobs.c.key_id,
        jobs.c.starts,
        jobs.c.fence,
        jobs.c.created_at,
    )
)
_ENDED = update(jobs).where(_MINE).values(finished_at=_NOW)
_END = _ENDED.values(status=bindparam("ended"), riddle_id=bindparam("riddle"), error=null()).returning(
    jobs.c.started_at
)
_FAIL = _ENDED.values(status="failed", error=bindparam("problem", type_=Json)).returning(jobs.c.started_at)
_OPEN_ITEMS = (
    select(batch_items.c.batch_id, func.count())
    .where(batch_items.c.job_id == bindparam("job"), ~batch_items.c.cancelled)
    .group_by(batch_items.c.batch_id)
    .order_by(batch_items.c.batch_id)  # the same order everywhere, so that no two wait for each other
)
