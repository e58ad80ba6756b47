"""Jobs in SQL: what is to be done, who is at it, and how it ended. The truth, whatever the job engine remembers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from langchain_core.utils.uuid import uuid7
from sqlalchemy import Select, and_, delete, func, or_, select, update

from domain.errors import RiddlewireError
from service.storage.job_tables import HANDED_OVER, RUNNING, TO_HAND_OVER, WAITING, workers
from service.storage.riddle_rows import article_of
from service.storage.tables import articles, batch_items, batches, job_calls, jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection, Engine, Row

    from domain.article import Article
    from service.storage.writer import Writer

    BatchFinished = Callable[[Connection, str], None]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """Jobs that go to the job engine together: queueing, claiming and ending cost it as much for one as for many.

    Args:
        id: `por_` and a UUIDv7 in hex.
        job_ids: At least one.
        priority: The most urgent one's; lower numbers go first.
    """

    id: str
    job_ids: tuple[str, ...]
    priority: int


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
        return await self._writer.write(lambda connection: self._begin(connection, job_id, worker, fewer_than))

    def _begin(self, connection: Connection, job_id: str, worker: str, fewer_than: int | None) -> StartedJob | None:
        values = {
            "status": "running",
            "starts": jobs.c.starts + 1,
            "fence": jobs.c.fence + 1,
            "worker": worker,
            "started_at": func.coalesce(jobs.c.started_at, datetime.now(UTC)),
        }
        begun = update(jobs).where(jobs.c.id == job_id, _may_be_begun_by(worker)).values(values).returning(jobs)
        if fewer_than is not None:
            begun = begun.where(jobs.c.starts < fewer_than)
        row = connection.execute(begun).first()
        if row is None:
            return None
        article = connection.execute(select(articles).where(articles.c.id == row.article_id)).one()
        return StartedJob(
            id=row.id,
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
                mine = and_(jobs.c.id == job.id, jobs.c.status == "running", jobs.c.fence == job.fence)
                connection.execute(update(jobs).where(mine).values(starts=jobs.c.starts - 1))

        await self._writer.write(release)

    def check(self, job: StartedJob) -> None:
        """Nothing, if this start still has the say.

        Raises:
            Superseded: It has not.
        """
        mine = select(jobs.c.id).where(jobs.c.id == job.id, jobs.c.status == "running", jobs.c.fence == job.fence)
        with self._engine.connect() as connection:
            if connection.execute(mine).first() is None:
                raise Superseded(job.id)

    def settle(self, connection: Connection, job: StartedJob, status: str, *, riddle_id: str) -> None:
        """Say in the transaction that keeps its riddle that a job is done.

        Raises:
            Superseded: Another start has the say; the transaction must not be committed.
        """
        self._end(connection, job, {"status": status, "riddle_id": riddle_id})

    async def afail(self, job: StartedJob, problem: dict[str, Any]) -> None:
        """Say that a job cannot be done, and why.

        Raises:
            Superseded: Another start has the say.
        """
        await self._writer.write(lambda connection: self._end(connection, job, {"status": "failed", "error": problem}))

    def _end(self, connection: Connection, job: StartedJob, values: dict[str, Any]) -> None:
        mine = and_(jobs.c.id == job.id, jobs.c.status == "running", jobs.c.fence == job.fence)
        now = datetime.now(UTC)
        if connection.execute(update(jobs).where(mine).values(finished_at=now, **values)).rowcount != 1:
            raise Superseded(job.id)
        connection.execute(delete(job_calls).where(job_calls.c.job_id == job.id))
        held = (
            select(batch_items.c.batch_id, func.count())
            .where(batch_items.c.job_id == job.id, ~batch_items.c.cancelled)
            .group_by(batch_items.c.batch_id)
            .order_by(batch_items.c.batch_id)  # the same order everywhere, so that no two wait for each other
        )
        for batch_id, count in connection.execute(held).all():
            close_items(connection, batch_id, count, now, self.on_batch_finished)

    # ------------------------------------------------------------------ on the way to the job engine
    def hand_over(
        self,
        limit: int,
        into: Callable[[Connection, Sequence[Portion]], None],
        *,
        portion_size: int,
        at_most_waiting: int,
    ) -> int:
        """Put waiting jobs into the job engine's queue, in one transaction with the note that they are there.

        Args:
            limit: At most so many.
            into: Puts portions of them there, on the connection it is given.
            portion_size: Jobs of one portion.
            at_most_waiting: No more than so many stand in the engine's queue at once, so that the rest can still be
                overtaken and cancelled cheaply.

        Returns:
            How many.
        """
        with self._engine.begin() as connection:
            room = min(limit, at_most_waiting - _in_engine(connection))
            rows = connection.execute(_to_hand_over(room)).all() if room > 0 else []
            portions = [_portion(part) for part in _parts(rows, portion_size)]
            if portions:
                into(connection, portions)
            for portion in portions:
                connection.execute(update(jobs).where(jobs.c.id.in_(portion.job_ids)).values(portion=portion.id))
        return len(rows)

    def portions(self, *, before: datetime, limit: int = 500) -> set[str]:
        """Portions that hold open jobs which were accepted before a moment."""
        query = (
            select(jobs.c.portion)
            .where(or_(HANDED_OVER, RUNNING), jobs.c.created_at < before)
            .order_by(jobs.c.id)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return {row.portion for row in connection.execute(query).all() if row.portion is not None}

    def hand_back(self, lost: Collection[str]) -> int:
        """Queue anew the open jobs of portions that the job engine has lost.

        Returns:
            How many.
        """
        mine = and_(jobs.c.portion.in_(lost), jobs.c.status.in_(OPEN))
        with self._engine.begin() as connection:
            return connection.execute(update(jobs).where(mine).values(status="queued", portion=None)).rowcount

    def open_in(self, portions: Collection[str]) -> int:
        """How many jobs of these portions are not finished."""
        mine = and_(jobs.c.portion.in_(portions), jobs.c.status.in_(OPEN))
        with self._engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(jobs).where(mine)).scalar_one())

    def has_open(self) -> bool:
        """Whether any job is not finished."""
        with self._engine.connect() as connection:
            found = (connection.execute(select(jobs.c.id).where(kind).limit(1)).first() for kind in (RUNNING, WAITING))
            return any(row is not None for row in found)

    def waiting(self) -> int:
        """How many jobs nobody has begun yet."""
        query = select(func.count()).select_from(jobs).where(WAITING)
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())


def close_items(
    connection: Connection,
    batch_id: str,
    count: int,
    now: datetime,
    on_batch_finished: BatchFinished | None,
) -> None:
    """Count items of a batch as ended; the last one finishes it."""
    counted = (
        update(batches)
        .where(batches.c.id == batch_id)
        .values(open_items=batches.c.open_items - count)
        .returning(batches.c.open_items)
    )
    if connection.execute(counted).scalar_one() <= 0:
        connection.execute(update(batches).where(batches.c.id == batch_id).values(finished_at=now))
        if on_batch_finished is not None:
            on_batch_finished(connection, batch_id)


def _may_be_begun_by(worker: str) -> ColumnElement[bool]:
    others = select(workers.c.id).where(workers.c.gone_at.is_(None), workers.c.id != worker)
    return or_(jobs.c.status == "queued", and_(jobs.c.status == "running", jobs.c.worker.not_in(others)))


def _in_engine(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(jobs).where(HANDED_OVER)).scalar_one())


def _to_hand_over(limit: int) -> Select[Any]:
    return (
        select(jobs.c.id, jobs.c.priority)
        .where(TO_HAND_OVER)
        .order_by(jobs.c.priority, jobs.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )


def _parts(rows: Sequence[Row[Any]], size: int) -> list[Sequence[Row[Any]]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _portion(rows: Sequence[Row[Any]]) -> Portion:
    urgent = min(row.priority for row in rows)
    return Portion(id=f"por_{uuid7().hex}", job_ids=tuple(row.id for row in rows), priority=urgent)
