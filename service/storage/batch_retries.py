"""Running a batch's failed articles again.

Each gets a new job, or the one that another batch has for the same text by now. The job that failed stays as it is,
with its reason, for other batches that hold it and for the item itself, should its retry be cancelled.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from langchain_core.utils.uuid import uuid7
from sqlalchemy import String, bindparam, case, func, insert, select, update

from service.storage.intake import KnownJob, known_jobs
from service.storage.job_tables import batch_items, batches, job_calls, jobs
from service.storage.jobs import OPEN
from service.storage.upsert import insert_into

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAgain:
    """What became of a batch's failed items.

    Args:
        fresh: How many jobs were made for them.
        waiting: How many of the items wait for one.
        done: How many have got the riddle that another batch's job has made, by its status.
    """

    fresh: int = 0
    waiting: int = 0
    done: Counter[str] = field(default_factory=Counter)

    @property
    def items(self) -> int:
        """All that had failed."""
        return self.waiting + self.done.total()


def run_again(
    connection: Connection, batch_id: str, *, key_id: str | None, since: datetime | None, now: datetime
) -> RunAgain:
    """Give a batch's failed items jobs that have not failed, or riddles. The batch's row is left to the caller.

    Args:
        connection: Of a transaction that holds the batch, and lets jobs wait; there is one at a time.
        batch_id: The batch.
        key_id: Of the API key that sent it.
        since: Jobs of other batches that ended before this are not shared; None: none is.
        now: This moment.
    """
    failed = connection.execute(_FAILED, {"of_batch": batch_id}).all()
    known = known_jobs(connection, [row.dedup_key for row in failed], key_id, since)
    fresh = {row.id: _fresh_job(row, now) for row in failed if row.dedup_key not in known}
    if fresh:
        connection.execute(insert(jobs), list(fresh.values()))
        _copy_calls(connection, fresh)
    moves = [_move(batch_id, row, fresh.get(row.id), known.get(row.dedup_key)) for row in failed]
    if moves:
        connection.execute(_MOVE, moves)
    done: Counter[str] = Counter()
    for row in failed:
        job = known.get(row.dedup_key)
        if job is not None and job.status not in OPEN:
            done[job.status] += row.items
    return RunAgain(fresh=len(fresh), waiting=sum(row.items for row in failed) - done.total(), done=done)


def open_again(connection: Connection, batch_id: str, again: RunAgain) -> int:
    """Count a batch's items anew that had failed. How many of its items are open now."""
    was_open = batches.c.finished_at.is_(None)  # then its speed so far tells more than a new beginning
    counts = {status: batches.c[status] + count for status, count in again.done.items()}
    opened = {
        "open_items": batches.c.open_items + again.waiting,
        "failed": batches.c.failed - again.items,
        "worked": case((was_open, batches.c.worked), else_=0),
        "began_at": case((was_open, batches.c.began_at), else_=None),
        "finished_at": None,
        "cancelled_at": None,
    }
    mine = update(batches).where(batches.c.id == batch_id)
    return int(connection.execute(mine.values({**opened, **counts}).returning(batches.c.open_items)).scalar_one())


def _fresh_job(failed: Row[Any], now: datetime) -> dict[str, Any]:
    same = ("dedup_key", "article_id", "pipeline", "tenant", "key_id", "priority", "fence")
    kept = {name: getattr(failed, name) for name in same}  # by its fence it is told to look for what is noted
    return {"id": f"job_{uuid7().hex}", "created_at": now, "status": "queued", "portion": None, "starts": 0, **kept}


def _copy_calls(connection: Connection, fresh: dict[str, dict[str, Any]]) -> None:
    """What the failed jobs have paid for is paid for; they keep it for the other batches that hold them."""
    noted = select(bindparam("to_job", type_=String), *_NOTED).where(job_calls.c.job_id == bindparam("of_job"))
    copy = insert_into(job_calls, connection).from_select(["job_id", *(column.name for column in _NOTED)], noted)
    connection.execute(copy, [{"of_job": failed, "to_job": job["id"]} for failed, job in fresh.items()])


def _move(batch_id: str, failed: Row[Any], fresh: dict[str, Any] | None, known: KnownJob | None) -> dict[str, Any]:
    """Of one article, the parameters of `_MOVE`."""
    job_id = known.id if known is not None else (fresh or {})["id"]
    waits = known is None or known.status in OPEN
    return {
        "of_batch": batch_id,
        "of_job": failed.id,
        "to_job": job_id,
        "failed_one": failed.id if waits else None,
        "sent_as": None if known is None or known.article_id == failed.article_id else failed.article_id,
    }


_NOTED: Final[Sequence[Any]] = (job_calls.c.call_key, job_calls.c.created_at, job_calls.c.answers)
_FAILED: Final = (
    select(
        jobs.c.id,
        jobs.c.dedup_key,
        jobs.c.article_id,
        jobs.c.pipeline,
        jobs.c.tenant,
        jobs.c.key_id,
        jobs.c.priority,
        jobs.c.fence,
        func.count().label("items"),
    )
    .join(batch_items, batch_items.c.job_id == jobs.c.id)
    .where(batch_items.c.batch_id == bindparam("of_batch"), ~batch_items.c.cancelled, jobs.c.status == "failed")
    .group_by(jobs.c.id)
    .order_by(jobs.c.id)  # they stand in the queue as they stood
)
_MOVE: Final = (
    update(batch_items)
    .where(
        batch_items.c.batch_id == bindparam("of_batch"),
        batch_items.c.job_id == bindparam("of_job"),
        ~batch_items.c.cancelled,
    )
    .values(
        job_id=bindparam("to_job"),
        failed_job_id=bindparam("failed_one"),
        article_id=func.coalesce(batch_items.c.article_id, bindparam("sent_as", type_=String)),
    )
)
