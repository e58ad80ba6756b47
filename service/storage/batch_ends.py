"""How batches end: their items are counted down, and the last one finishes its batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, update

from service.storage.job_tables import batches
from service.storage.types import UtcDateTime

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

BatchFinished = Callable[["Connection", str], None]
"""Told the id of a batch in the transaction that finishes it."""

_COUNT_DOWN = (
    update(batches)
    .where(batches.c.id == bindparam("batch"))
    .values(open_items=batches.c.open_items - bindparam("ended"))
    .returning(batches.c.open_items)
)
_FINISH = (
    update(batches).where(batches.c.id == bindparam("batch")).values(finished_at=bindparam("now", type_=UtcDateTime))
)


def close_items(
    connection: Connection,
    batch_id: str,
    count: int,
    now: datetime,
    on_batch_finished: BatchFinished | None,
) -> None:
    """Count items of a batch as ended; the last one finishes it."""
    if connection.execute(_COUNT_DOWN, {"batch": batch_id, "ended": count}).scalar_one() <= 0:
        connection.execute(_FINISH, {"batch": batch_id, "now": now})
        if on_batch_finished is not None:
            on_batch_finished(connection, batch_id)
