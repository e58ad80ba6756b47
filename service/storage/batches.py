"""Batches in SQL: accepted whole or not at all, counted while they are worked on, and read back in input order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, exists, select, text, update

from domain.article import content_hash
from domain.errors import NotFound
from service.errors import BatchIsFinished, QueueFull
from service.storage.batch_changes import stop_queued
from service.storage.batch_counts import read_counts
from service.storage.batch_ends import close_stopped, finish
from service.storage.batch_retries import open_again, run_again
from service.storage.batch_rows import ITEMS, BatchItem, StoredBatch, items_of, stored_batch
from service.storage.intake import Intake, IntakeRules
from service.storage.job_queue import count_waiting
from service.storage.job_tables import batch_items, batches, jobs
from service.storage.scope import EVERYTHING, owned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.engine import Connection, Engine

    from domain.article import Article
    from service.storage.batch_ends import BatchFinished
    from service.storage.batch_retries import RunAgain
    from service.storage.scope import Scope

_INTAKE_LOCK: Final = 0x5249_4442_4154  # 'RIDBAT': batches of a PostgreSQL database are taken in one after another
_SHARING_NOTHING: Final = IntakeRules()


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
        self,
        new: NewBatch,
        *,
        rules: IntakeRules,
        also: Callable[[Connection, StoredBatch], None] | None = None,
    ) -> StoredBatch:
        """Keep a batch, its articles and the jobs they need, on the disk when this returns.

        Articles whose text is in the batch already, waits already for the same key, or was worked on not long ago,
        get the job there is.

        Args:
            new: The batch.
            rules: What it may share, and how much may wait.
            also: Does more in the same transaction: both or none.

        Raises:
            BatchTooLarge: More of its articles are new than may wait at all.
            QueueFull: With them more would wait than may.
        """
        now = datetime.now(UTC)
        with self._engine.begin() as connection:
            _wait_for_intake(connection)
            open_items = Intake(connection, now, rules).keep(new)
            if open_items == 0:
                finish(connection, new.id, now, self.on_batch_finished)
            batch = self._get(connection, new.id)
            if also is not None:
                also(connection, batch)
            return batch

    def get(self, batch_id: str, *, scope: Scope = EVERYTHING) -> StoredBatch:
        """A batch with its counts as they are now.

        Raises:
            NotFound: There is none of that id in the scope.
        """
        with self._engine.connect() as connection:
            return self._get(connection, batch_id, scope)

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
            return tuple(stored_batch(row, read_counts(connection, row)) for row in connection.execute(query).all())

    def read(self, connection: Connection, batch_id: str) -> StoredBatch:
        """The same inside a transaction, whosever it is."""
        return self._get(connection, batch_id)

    def items(self, batch_id: str, *, after: int = -1, limit: int = 100) -> tuple[BatchItem, ...]:
        """Items in input order, with their riddles, each of the article as it was sent.

        Args:
            batch_id: Of a batch that the caller may see.
            after: Index of the last item that is known already.
            limit: At most so many.
        """
        query = ITEMS.where(batch_items.c.batch_id == batch_id, batch_items.c.index > after).limit(limit)
        with self._engine.connect() as connection:
            return items_of(connection.execute(query).all())

    def cancel(self, batch_id: str, *, scope: Scope = EVERYTHING) -> StoredBatch:
        """Stop what has not started; what runs finishes and what is done stays, failures too. Again changes nothing.

        Raises:
            NotFound: As `get`.
            BatchIsFinished: Everything in it has ended.
        """
        now = datetime.now(UTC)
        with self._engine.begin() as connection:
            batch = self._get(connection, batch_id, scope, lock=True)
            if batch.cancelled_at is None:
                if batch.finished_at is not None:
                    raise BatchIsFinished(batch_id)
                connection.execute(update(batches).where(batches.c.id == batch_id).values(cancelled_at=now))
                self._stop(connection, batch_id, now)
            return self._get(connection, batch_id)

    def retry(self, batch_id: str, *, scope: Scope = EVERYTHING, rules: IntakeRules = _SHARING_NOTHING) -> StoredBatch:
        """Run the failed items again; those that were cancelled stay so. Where none has failed, nothing changes.

        An item whose text is worked on for the same key, or was not long ago, gets the job there is. Other batches that
        hold the job which failed are not touched.

        Args:
            batch_id: Whose.
            scope: As `get`.
            rules: What it may share, and how much may wait, unless these are the only ones.

        Raises:
            NotFound: As `get`.
            QueueFull: With them more would wait than may.
        """
        now = datetime.now(UTC)
        with self._engine.begin() as connection:
            _wait_for_intake(connection)
            batch = self._get(connection, batch_id, scope, lock=True)
            again = run_again(connection, batch_id, key_id=batch.key_id, since=rules.dedup_since, now=now)
            _check_room(connection, again, rules.most_waiting)
            if again.items and open_again(connection, batch_id, again) == 0:
                finish(connection, batch_id, now, self.on_batch_finished)
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
            failed_before = exists().where(batch_items.c.failed_job_id == jobs.c.id)
            connection.execute(delete(jobs).where(jobs.c.finished_at < before, ~held, ~failed_before))
        return gone

    def _get(
        self, connection: Connection, batch_id: str, scope: Scope = EVERYTHING, *, lock: bool = False
    ) -> StoredBatch:
        query = select(batches).where(batches.c.id == batch_id, owned(scope, batches))
        row = connection.execute(query.with_for_update() if lock else query).first()
        if row is None:
            raise NotFound("batch", batch_id)
        return stored_batch(row, read_counts(connection, row))

    def _stop(self, connection: Connection, batch_id: str, now: datetime) -> None:
        stopped = stop_queued(connection, batch_id, now)
        close_stopped(
            connection,
            batch_id,
            cancelled=stopped.cancelled,
            failed=stopped.failed,
            now=now,
            on_finished=self.on_batch_finished,
        )


def _check_room(connection: Connection, again: RunAgain, most: int | None) -> None:
    """Jobs that were made may wait where no others do, however many: a batch was accepted with them once."""
    if again.fresh and most is not None and again.fresh < count_waiting(connection) > most:
        raise QueueFull(most)


def _wait_for_intake(connection: Connection) -> None:
    """Until nobody else lets jobs wait: how many do is counted and changed by one at a time. SQLite has one writer."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _INTAKE_LOCK})
