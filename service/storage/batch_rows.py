"""Batches and their items as they are read back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import case, func, select

from service.storage.job_tables import batch_items, jobs
from service.storage.riddle_rows import RIDDLE_AND_ARTICLE, StoredRiddle, stored_riddle
from service.storage.tables import articles, riddles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Row

    from service.limits.errors import Budget

BatchStatus = Literal["queued", "running", "done", "cancelled"]
ItemStatus = Literal["queued", "running", "published", "needs_review", "failed", "cancelled"]

STATUSES: Final[tuple[ItemStatus, ...]] = ("queued", "running", "published", "needs_review", "failed", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """Queued items of a batch that wait for daily budgets.

    Args:
        count: How many.
        budgets: Whose budgets, without repetition.
        until: When the last of them starts anew.
    """

    count: int
    budgets: tuple[Budget, ...]
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many items of a batch are at what.

    Args:
        by_status: Items by status; those with none are left out.
        worked: Of those that have ended, how many by work since the batch was kept, or since it was opened again by a
            retry: not what was finished before, and not what was cancelled.
        began_at: When work began on the first of these; None while there are none.
        deferred: The queued ones that wait for daily budgets; None when none does.
    """

    by_status: dict[str, int] = field(default_factory=dict)
    worked: int = 0
    began_at: datetime | None = None
    deferred: Deferred | None = None

    def __getitem__(self, status: ItemStatus) -> int:
        return self.by_status.get(status, 0)

    @property
    def ended(self) -> int:
        """Items that are finished, failed or cancelled."""
        return sum(self.by_status.values()) - self["queued"] - self["running"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBatch:
    """A batch as it stands in the database, with its counts at that moment.

    Args:
        id: `bat_` and a UUIDv7 in hex.
        created_at: When it was accepted.
        finished_at: When the last of its items ended; None while any is open.
        cancelled_at: When somebody cancelled it.
        pipeline: By name.
        key_id: Of the API key that sent it.
        tenant: Of that key.
        total: Number of articles.
        webhook: As it was given.
        counts: Of its items.
    """

    id: str
    created_at: datetime
    finished_at: datetime | None
    cancelled_at: datetime | None
    pipeline: str
    key_id: str | None
    tenant: str | None
    total: int
    webhook: dict[str, Any] | None
    counts: Counts

    @property
    def status(self) -> BatchStatus:
        """Where it stands as a whole."""
        if self.cancelled_at is not None:
            return "cancelled"
        if self.finished_at is not None:
            return "done"
        return "queued" if self.counts["queued"] == self.total else "running"

    @property
    def is_over(self) -> bool:
        """Whether nothing in it will change any more unless somebody asks."""
        return self.finished_at is not None

    def eta_seconds(self, now: datetime | None = None) -> float | None:
        """Seconds until it is done if it goes on as it has gone since it was kept, or last opened again by a retry.

        None before work on the first item has ended, and while items wait for a daily budget: nobody knows how far it
        will go.
        """
        if self.is_over:
            return 0.0
        if self.counts.deferred is not None:
            return None
        worked, began = self.counts.worked, self.counts.began_at
        if worked <= 0 or began is None:
            return None
        since = max((now or datetime.now(UTC)).timestamp() - max(began, self.created_at).timestamp(), 0.001)
        return round((self.total - self.counts.ended) * since / worked, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchItem:
    """One article of a batch and what became of it.

    Args:
        index: Its place in the batch, from 0.
        status: Where it stands.
        riddle: Made of it, or of an article with the same text; `riddle.article` is the one that was sent.
        error: A problem object; only of failed items.
    """

    index: int
    status: ItemStatus
    riddle: StoredRiddle | None
    error: dict[str, Any] | None


def stored_batch(row: Row[Any], counts: Counts) -> StoredBatch:
    """A batch of its row."""
    return StoredBatch(
        id=row.id,
        created_at=row.created_at,
        finished_at=row.finished_at,
        cancelled_at=row.cancelled_at,
        pipeline=row.pipeline,
        key_id=row.key_id,
        tenant=row.tenant,
        total=row.total,
        webhook=row.webhook,
        counts=counts,
    )


ITEMS: Final = (
    select(
        batch_items.c.index,
        case((batch_items.c.cancelled, "cancelled"), else_=jobs.c.status).label("item_status"),
        jobs.c.error,
        *RIDDLE_AND_ARTICLE,
        articles.c.source.label("article_source"),
    )
    .select_from(batch_items)
    .join(jobs, jobs.c.id == batch_items.c.job_id)
    .outerjoin(riddles, riddles.c.id == jobs.c.riddle_id)
    .outerjoin(articles, articles.c.id == func.coalesce(batch_items.c.article_id, riddles.c.article_id))
    .order_by(batch_items.c.index)
)
"""What `items_of` reads: items with their jobs, their riddles, and the articles they were sent as."""


def items_of(rows: Sequence[Row[Any]]) -> tuple[BatchItem, ...]:
    """Items of rows of `ITEMS`."""
    return tuple(_item(row) for row in rows)


def _item(row: Row[Any]) -> BatchItem:
    values = row._mapping  # noqa: SLF001 -- SQLAlchemy's documented name; `row.index` is the tuple's method
    status = values["item_status"]
    has_riddle = values["id"] is not None and status != "cancelled"
    return BatchItem(
        index=values["index"],
        status=status,
        riddle=_as_sent(stored_riddle(row), values["article_source"]) if has_riddle else None,
        error=values["error"] if status == "failed" else None,
    )


def _as_sent(stored: StoredRiddle, source: str | None) -> StoredRiddle:
    """With the source that the article was sent with; in the row a riddle's own hides it."""
    article = stored.riddle.article
    if article.source == source:
        return stored
    return replace(stored, riddle=replace(stored.riddle, article=replace(article, source=source)))
