"""What cancelling a batch does to its items, and to the jobs that no other batch waits for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, exists, select, update

from service.storage.job_tables import batch_items, job_calls, jobs
from service.storage.upsert import insert_into

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """Items of a batch that nobody works on any more.

    Args:
        cancelled: How many were never worked on.
        failed: How many had failed before, waited to be run again, and are left at that.
    """

    cancelled: int = 0
    failed: int = 0

    def __add__(self, other: Stopped) -> Stopped:
        return Stopped(cancelled=self.cancelled + other.cancelled, failed=self.failed + other.failed)


def stop_queued(connection: Connection, batch_id: str, now: datetime) -> Stopped:
    """Stop a batch's items whose jobs nobody has begun, and those jobs where no other batch waits for them.

    What has failed before is failed again, with its reason: cancelling takes back the retry, not the failure.
    """
    mine = select(batch_items.c.job_id).where(batch_items.c.batch_id == batch_id)
    queued = select(jobs.c.id).where(jobs.c.id.in_(mine), jobs.c.status == "queued").order_by(jobs.c.id)
    ids = [row.id for row in connection.execute(queued.with_for_update()).all()]
    stopped = Stopped()
    for part in _parts(ids):
        failed = _fail_again(connection, batch_id, part)
        stopped += Stopped(cancelled=_cancel(connection, batch_id, part), failed=failed)
        _end_unwanted(connection, part, now)
    return stopped


def _fail_again(connection: Connection, batch_id: str, part: list[str]) -> int:
    """Lead items that were to be run again back to the jobs that failed, with all that was paid for since."""
    mine = (batch_items.c.batch_id == batch_id, batch_items.c.job_id.in_(part), ~batch_items.c.cancelled)
    again = (*mine, batch_items.c.failed_job_id.is_not(None))
    pairs = select(batch_items.c.failed_job_id, batch_items.c.job_id).where(*again).distinct().subquery()
    noted = select(pairs.c.failed_job_id, job_calls.c.call_key, job_calls.c.created_at, job_calls.c.answers).where(
        job_calls.c.job_id == pairs.c.job_id
    )
    keep = insert_into(job_calls, connection).from_select(["job_id", "call_key", "created_at", "answers"], noted)
    connection.execute(keep.on_conflict_do_nothing())
    back = update(batch_items).where(*again).values(job_id=batch_items.c.failed_job_id, failed_job_id=None)
    return connection.execute(back).rowcount


def _cancel(connection: Connection, batch_id: str, part: list[str]) -> int:
    here = and_(batch_items.c.batch_id == batch_id, batch_items.c.job_id.in_(part), ~batch_items.c.cancelled)
    return connection.execute(update(batch_items).where(here).values(cancelled=True)).rowcount


def _end_unwanted(connection: Connection, part: list[str], now: datetime) -> None:
    wanted = exists().where(batch_items.c.job_id == jobs.c.id, ~batch_items.c.cancelled)
    unwanted = update(jobs).where(jobs.c.id.in_(part), ~wanted).values(status="cancelled", finished_at=now)
    ids = [row.id for row in connection.execute(unwanted.returning(jobs.c.id)).all()]
    connection.execute(delete(job_calls).where(job_calls.c.job_id.in_(ids)))


def _parts(ids: list[str], size: int = 5_000) -> list[list[str]]:
    """Small enough for one statement's parameters."""
    return [ids[start : start + size] for start in range(0, len(ids), size)]
