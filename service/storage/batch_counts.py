"""How far a batch is, read from the few rows that say so, and not from all of its items.

What has ended is counted in the batch's row (`batch_ends`). What runs is found from the jobs that run, of which there
are never more than all workers have slots. Only items that wait for a daily budget are counted one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, select

from service.storage.batch_rows import STATUSES, Counts, Deferred
from service.storage.job_tables import DEFERRED, RUNNING, batch_items, jobs

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Row

_ENDED: Final = [status for status in STATUSES if status not in ("queued", "running")]


def read_counts(connection: Connection, batch: Row[Any]) -> Counts:
    """The counts of a batch's items.

    Args:
        connection: That the row was read with.
        batch: All columns of its row.
    """
    row = batch._mapping  # noqa: SLF001 -- SQLAlchemy's documented name
    running = min(_running(connection, row["id"]), row["open_items"]) if row["open_items"] else 0
    queued = row["open_items"] - running
    by_status = {status: row[status] for status in _ENDED} | {"running": running, "queued": queued}
    return Counts(
        by_status={status: count for status, count in by_status.items() if count},
        worked=row["worked"],
        began_at=row["began_at"],
        deferred=_deferred(connection, row["id"]) if queued else None,
    )


def _running(connection: Connection, batch_id: str) -> int:
    return next((int(row.items) for row in connection.execute(_RUNNING) if row.batch_id == batch_id), 0)


def _deferred(connection: Connection, batch_id: str) -> Deferred | None:
    if connection.execute(_ANY_DEFERRED).first() is None:
        return None
    rows = connection.execute(_DEFERRED, {"batch": batch_id}).all()
    if not rows:
        return None
    return Deferred(
        count=sum(row.items for row in rows),
        budgets=tuple(sorted(row.budget for row in rows)),
        until=max(row.until for row in rows),
    )


# Of all batches, for a condition on one would lead SQLite through all of its items rather than through the few jobs.
_RUNNING: Final = (
    select(batch_items.c.batch_id, func.count().label("items"))
    .where(batch_items.c.job_id.in_(select(jobs.c.id).where(RUNNING)), ~batch_items.c.cancelled)
    .group_by(batch_items.c.batch_id)
)
_ANY_DEFERRED: Final = select(jobs.c.id).where(DEFERRED).limit(1)
_DEFERRED: Final = (
    select(
        jobs.c.deferred_by.label("budget"),
        func.count().label("items"),
        func.max(jobs.c.not_before).label("until"),
    )
    .select_from(batch_items)
    .join(jobs, jobs.c.id == batch_items.c.job_id)
    .where(DEFERRED, batch_items.c.batch_id == bindparam("batch"), ~batch_items.c.cancelled)
    .group_by(jobs.c.deferred_by)
)
