"""Batches in SQL: accepted whole or not at all, counted while they are worked on, and read back in input order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, case, delete, exists, func, or_, select, text, update

from domain.article import content_hash
from domain.errors import NotFound
from service.errors import BatchIsFinished
from service.storage.batch_ends import close_items
from service.storage.batch_rows import BatchItem, Counts, StoredBatch, Tally, counts_of, items_of, stored_batch
from service.storage.intake import Intake
from service.storage.job_tables import batch_items, batches, jobs
from service.storage.riddle_rows import RIDDLE_AND_ARTICLE
from service.storage.tables import articles, riddles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection, Engine

    from domain.article import Article
    from service.storage.batch_ends import BatchFinished

_INTAKE_LOCK: Final = 0x5249_4442_4154  # 'RIDBAT': batches of a PostgreSQL database are taken in one after another


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBatch:
    """What is to be kept of a batch that comes in.

    Args:
        id: `bat_` and a UUIDv7 in hex.
        articles: In the caller's order, at least one.
        pipeline: By name.
        key_id: Of the API key that sent it.
        tenant: Of that key.
        priority: Of its jobs; lower numbers go first.
        webhook: Where to tell that it is done; kept as it is.
    """

    id: str
    articles: Sequence[Article]
    pipeline: str
    key_id: str | None
    tenant: str | None
    priority: int
    webhook: dict[str, Any] | None = None

    def dedup_key(self, article: Article) -> str:
        """Names the work: the same text by the same pipeline with the same examples in sight."""
        return content_hash(article.text, self.pipeline, self.tenant or "")


class BatchRepository:
    """Batches. Methods block: call them in a worker thread.

    Args:
        engine: From `open_engine`.
        on_batch_finished: Told the id of a batch in the transaction that finishes it.
    """

    def __init__(self, engine: Engine, on_batch_finished: BatchFinished | None = None) -> None:
        self._engine = engine
        self.on_batch_finished = on_batch_finished

    def create(
        self, new: NewBatch, *, dedup_since: datetime, also: Callable[[Connection, StoredBatch], None] | None = None
    ) -> StoredBatch:
        """Keep a batch, its articles and the jobs they need, on the disk when this returns.

        Articles whose text is in the batch already, or was worked on since `dedup_since`, get the job there is.

        Args:
            new: The batch.
            dedup_since: Jobs older than this are not shared.
            also: Does more in the same transaction: both or none.
        """
        now = datetime.now(UTC)
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _INTAKE_LOCK})
            open_items = Intake(connection, now, dedup_since).keep(new)
            if open_items == 0:
                close_items(connection, new.id, 0, now, self.on_batch_finished)
            batch = self._get(connection, new.id)
            if also is not None:
                also(connection, batch)
            return batch

    def get(self, batch_id: str, *, tenant: str | None = None) -> StoredBatch:
        """A batch with its counts as they are now.

        Raises:
            NotFound: There is none of that id, or it is another tenant's.
        """
        with self._engine.connect() as connection:
            return self._get(connection, batch_id, tenant)

    def newest(self, *, only_open: bool = False, limit: int = 20) -> tuple[StoredBatch, ...]:
        """Batches of all tenants, newest first, with their counts.

        Args:
            only_open: Only those with articles that have not ended.
            limit: At most so many.
        """
        query = select(batches).order_by(batches.c.id.desc()).limit(limit)
        if only_open:
            query = query.where(batches.c.finished_at.is_(None))
        with self._engine.connect() as connection:
            return tuple(stored_batch(row, _counts(connection, row.id)) for row in connection.execute(query).all())

    def read(self, connection: Connection, batch_id: str) -> StoredBatch:
        """The same inside a transaction, whosever it is."""
        return self._get(connection, batch_id)

    def items(self, batch_id: str, *, after: int = -1, limit: int = 100) -> tuple[BatchItem, ...]:
        """Items in input order, with their riddles.

        Args:
            batch_id: Of a batch that the caller may see.
            after: Index of the last item that is known already.
            limit: At most so many.
        """
        query = (
            select(
                batch_items.c.index,
                _status().label("item_status"),
                jobs.c.error,
                *RIDDLE_AND_ARTICLE,
            )
            .select_from(batch_items)
            .join(jobs, jobs.c.id == batch_items.c.job_id)
            .outerjoin(riddles, riddles.c.id == jobs.c.riddle_id)
            .outerjoin(articles, articles.c.id == riddles.c.article_id)
            .where(batch_items.c.batch_id == batch_id, batch_items.c.index > after)
            .order_by(batch_items.c.index)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return items_of(connection.execute(query).all())

    def cancel(self, batch_id: str, *, tenant: str | None = None) -> StoredBatch:
        """Stop what has not started; what runs finishes and what is done stays. Again changes nothing.

        Raises:
            NotFound: As `get`.
            BatchIsFinished: Everything in it has ended.
        """
        now = datetime.now(UTC)
        with self._engine.begin() as connection:
            batch = self._get(connection, batch_id, tenant, lock=True)
            if batch.cancelled_at is None:
                if batch.finished_at is not None:
                    raise BatchIsFinished(batch_id)
                connection.execute(update(batches).where(batches.c.id == batch_id).values(cancelled_at=now))
                stopped = _stop_queued(connection, batch_id, now)
                close_items(connection, batch_id, stopped, now, self.on_batch_finished)
            return self._get(connection, batch_id)

    def retry(self, batch_id: str, *, tenant: str | None = None) -> StoredBatch:
        """Run the failed items again.

        Raises:
            NotFound: As `get`.
        """
        with self._engine.begin() as connection:
            self._get(connection, batch_id, tenant, lock=True)
            _queue_failed(connection, batch_id)
            return self._get(connection, batch_id)

    def purge(self, keep: timedelta) -> int:
        """Forget batches that ended longer ago than `keep`, and the jobs that none holds any more; riddles stay.

        Returns:
            How many batches.
        """
        before = datetime.now(UTC) - keep
        with self._engine.begin() as connection:
            gone = connection.execute(delete(batches).where(batches.c.finished_at < before)).rowcount
            held = exists().where(batch_items.c.job_id == jobs.c.id)
            connection.execute(delete(jobs).where(jobs.c.finished_at < before, ~held))
        return gone

    def _get(
        self, connection: Connection, batch_id: str, tenant: str | None = None, *, lock: bool = False
    ) -> StoredBatch:
        query = select(batches).where(batches.c.id == batch_id)
        if tenant is not None:
            query = query.where(or_(batches.c.tenant == tenant, batches.c.tenant.is_(None)))
        row = connection.execute(query.with_for_update() if lock else query).first()
        if row is None:
            raise NotFound("batch", batch_id)
        return stored_batch(row, _counts(connection, batch_id))


def _status() -> ColumnElement[str]:
    return case((batch_items.c.cancelled, "cancelled"), else_=jobs.c.status)


def _counts(connection: Connection, batch_id: str) -> Counts:
    status, budget = _status(), jobs.c.deferred_by
    query = (
        select(status, budget, func.count(), func.min(jobs.c.started_at), func.max(jobs.c.not_before))
        .select_from(batch_items)
        .join(jobs, jobs.c.id == batch_items.c.job_id)
        .where(batch_items.c.batch_id == batch_id)
        .group_by(status, budget)
    )
    return counts_of([Tally(*row) for row in connection.execute(query).all()])


def _stop_queued(connection: Connection, batch_id: str, now: datetime) -> int:
    """Cancel a batch's items whose jobs nobody has begun, and those jobs where no other batch waits for them."""
    mine = select(batch_items.c.job_id).where(batch_items.c.batch_id == batch_id)
    queued = select(jobs.c.id).where(jobs.c.id.in_(mine), jobs.c.status == "queued").order_by(jobs.c.id)
    ids = [row.id for row in connection.execute(queued.with_for_update()).all()]
    stopped = 0
    for part in _parts(ids):
        here = and_(batch_items.c.batch_id == batch_id, batch_items.c.job_id.in_(part), ~batch_items.c.cancelled)
        stopped += connection.execute(update(batch_items).where(here).values(cancelled=True)).rowcount
        wanted = exists().where(batch_items.c.job_id == jobs.c.id, ~batch_items.c.cancelled)
        connection.execute(
            update(jobs)
            .where(jobs.c.id.in_(part), jobs.c.status == "queued", ~wanted)
            .values(status="cancelled", finished_at=now)
        )
    return stopped


def _queue_failed(connection: Connection, batch_id: str) -> None:
    """Queue a batch's failed jobs once more; every batch that holds one of them is open again."""
    now = datetime.now(UTC)
    mine = select(batch_items.c.job_id).where(batch_items.c.batch_id == batch_id, ~batch_items.c.cancelled)
    again = (
        update(jobs)
        .where(jobs.c.id.in_(mine), jobs.c.status == "failed")
        .values(status="queued", portion=None, starts=0, error=None, finished_at=None, deferred_by=None, not_before=now)
        .returning(jobs.c.id)
    )
    ids = [row.id for row in connection.execute(again).all()]
    for part in _parts(ids):
        held = (
            select(batch_items.c.batch_id, func.count().label("count"))
            .where(batch_items.c.job_id.in_(part), ~batch_items.c.cancelled)
            .group_by(batch_items.c.batch_id)
            .order_by(batch_items.c.batch_id)
        )
        for row in connection.execute(held).all():
            opened = {"open_items": batches.c.open_items + row[1], "finished_at": None}
            connection.execute(update(batches).where(batches.c.id == row[0]).values(opened))


def _parts(ids: list[str], size: int = 5_000) -> list[list[str]]:
    """Small enough for one statement's parameters."""
    return [ids[start : start + size] for start in range(0, len(ids), size)]
