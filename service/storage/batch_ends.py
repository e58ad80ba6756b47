"""How batches end: their items are counted by how they ended, and the last one finishes its batch.

The counts stand in the batch's row, which every end of an item changes anyway. Nobody has to look at all items of a
batch in order to say how far it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import Integer, bindparam, func, update

from service.storage.job_tables import batches
from service.storage.types import UtcDateTime

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Update
    from sqlalchemy.engine import Connection

BatchFinished = Callable[["Connection", str], None]
"""Told the id of a batch in the transaction that finishes it."""

WorkedStatus = Literal["published", "needs_review", "failed"]
"""How work on an item ends."""


def close_worked(
    connection: Connection,
    batch_id: str,
    status: WorkedStatus,
    count: int,
    *,
    began_at: datetime | None,
    now: datetime,
    on_finished: BatchFinished | None,
) -> None:
    """Count items of a batch whose job has ended; the last one finishes the batch.

    Args:
        connection: Of the transaction that ends the job.
        batch_id: Whose items.
        status: How the job ended.
        count: How many items of the batch wait for that job.
        began_at: When the job was begun.
        now: When it ended.
        on_finished: Told when the batch is finished.
    """
    ended = {"batch": batch_id, "ended": count, "began": began_at}
    if connection.execute(_WORKED[status], ended).scalar_one() <= 0:
        finish(connection, batch_id, now, on_finished)


def close_stopped(
    connection: Connection,
    batch_id: str,
    *,
    cancelled: int,
    failed: int,
    now: datetime,
    on_finished: BatchFinished | None,
) -> None:
    """Count items of a batch that nobody works on any more; when none is left, the batch is finished.

    Args:
        connection: Of the transaction that stops them.
        batch_id: Whose items.
        cancelled: How many were never worked on.
        failed: How many had failed before, and are left at that.
        now: When they were stopped.
        on_finished: Told when the batch is finished.
    """
    stopped = {"batch": batch_id, "cancelled_too": cancelled, "failed_too": failed}
    if connection.execute(_STOPPED, stopped).scalar_one() <= 0:
        finish(connection, batch_id, now, on_finished)


def finish(connection: Connection, batch_id: str, now: datetime, on_finished: BatchFinished | None) -> None:
    """Say that nothing in a batch is open."""
    connection.execute(_FINISH, {"batch": batch_id, "now": now})
    if on_finished is not None:
        on_finished(connection, batch_id)


_MINE: Final = update(batches).where(batches.c.id == bindparam("batch"))


def _worked(status: WorkedStatus) -> Update:
    ended = bindparam("ended", type_=Integer)
    counts: dict[str, Any] = {"open_items": batches.c.open_items - ended, status: batches.c[status] + ended}
    began_at = func.coalesce(batches.c.began_at, bindparam("began", type_=UtcDateTime))
    worked = {"worked": batches.c.worked + ended, "began_at": began_at}
    return _MINE.values({**counts, **worked}).returning(batches.c.open_items)


_WORKED: Final[dict[WorkedStatus, Update]] = {
    "published": _worked("published"),
    "needs_review": _worked("needs_review"),
    "failed": _worked("failed"),
}
_STOPPED: Final = _MINE.values(
    open_items=batches.c.open_items - bindparam("cancelled_too") - bindparam("failed_too"),
    cancelled=batches.c.cancelled + bindparam("cancelled_too"),
    failed=batches.c.failed + bindparam("failed_too"),
).returning(batches.c.open_items)
_FINISH: Final = _MINE.values(finished_at=bindparam("now", type_=UtcDateTime))
