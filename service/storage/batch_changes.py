"""What cancelling and retrying a batch do to its jobs and items, and to other batches that hold the same jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, exists, func, or_, select, update

from service.storage.job_tables import batch_items, batches, jobs

if TYPE_CHECKING:
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

    A job that has failed before fails with the same reason again: cancelling takes back the retry, not the failure.
    """
    mine = select(batch_items.c.job_id).where(batch_items.c.batch_id == batch_id)
    queued = select(jobs.c.id).where(jobs.c.id.in_(mine), jobs.c.status == "queued").order_by(jobs.c.id)
    ids = [row.id for row in connection.execute(queued.with_for_update()).all()]
    stopped = Stopped()
    for part in _parts(ids):
        failed = _fail_again(connection, batch_id, part, now)
        stopped += Stopped(cancelled=_cancel(connection, batch_id, part, now), failed=failed)
    return stopped


def lock_for_retry(connection: Connection, batch_id: str) -> None:
    """Hold a batch and those that wait for the same failed jobs, in the order in which the end of a job holds them."""
    mine, theirs = batch_items.alias(), batch_items.alias()
    sharing = (
        select(theirs.c.batch_id)
        .join(mine, mine.c.job_id == theirs.c.job_id)
        .join(jobs, jobs.c.id == mine.c.job_id)
        .where(mine.c.batch_id == batch_id, jobs.c.status == "failed")
    )
    held = select(batches.c.id).where(or_(batches.c.id == batch_id, batches.c.id.in_(sharing)))
    connection.execute(held.order_by(batches.c.id).with_for_update())


def queue_failed(connection: Connection, batch_id: str) -> int:
    """Queue a batch's failed jobs once more; every batch that holds one of them is open again. How many jobs.

    Their reasons stay with them until they have ended another way.
    """
    now = datetime.now(UTC)
    mine = select(batch_items.c.job_id).where(batch_items.c.batch_id == batch_id, ~batch_items.c.cancelled)
    anew = {"status": "queued", "portion": None, "starts": 0, "started_at": None, "finished_at": None}
    again = (
        update(jobs)
        .where(jobs.c.id.in_(mine), jobs.c.status == "failed")
        .values(**anew, deferred_by=None, not_before=now)
        .returning(jobs.c.id)
    )
    ids = [row.id for row in connection.execute(again).all()]
    for part in _parts(ids):
        _open_again(connection, part)
    return len(ids)


def _fail_again(connection: Connection, batch_id: str, part: list[str], now: datetime) -> int:
    held = (batch_items.c.job_id == jobs.c.id, ~batch_items.c.cancelled)
    others = exists().where(*held, batch_items.c.batch_id != batch_id)
    again = (
        update(jobs)
        .where(jobs.c.id.in_(part), jobs.c.error.is_not(None), ~others)
        .values(status="failed", portion=None, deferred_by=None, finished_at=now)
        .returning(jobs.c.id)
    )
    ids = [row.id for row in connection.execute(again).all()]
    mine = and_(batch_items.c.batch_id == batch_id, batch_items.c.job_id.in_(ids), ~batch_items.c.cancelled)
    return int(connection.execute(select(func.count()).select_from(batch_items).where(mine)).scalar_one())


def _cancel(connection: Connection, batch_id: str, part: list[str], now: datetime) -> int:
    queued = select(jobs.c.id).where(jobs.c.id.in_(part), jobs.c.status == "queued")
    here = and_(batch_items.c.batch_id == batch_id, batch_items.c.job_id.in_(queued), ~batch_items.c.cancelled)
    cancelled = connection.execute(update(batch_items).where(here).values(cancelled=True)).rowcount
    wanted = exists().where(batch_items.c.job_id == jobs.c.id, ~batch_items.c.cancelled)
    connection.execute(
        update(jobs)
        .where(jobs.c.id.in_(part), jobs.c.status == "queued", ~wanted)
        .values(status="cancelled", finished_at=now)
    )
    return cancelled


def _open_again(connection: Connection, part: list[str]) -> None:
    held = (
        select(batch_items.c.batch_id, func.count().label("items"))
        .where(batch_items.c.job_id.in_(part), ~batch_items.c.cancelled)
        .group_by(batch_items.c.batch_id)
        .order_by(batch_items.c.batch_id)  # the same order everywhere, so that no two wait for each other
    )
    was_open = batches.c.finished_at.is_(None)  # then its speed so far tells more than a new beginning
    for row in connection.execute(held).all():
        counts = {"open_items": batches.c.open_items + row.items, "failed": batches.c.failed - row.items}
        speed = {
            "worked": case((was_open, batches.c.worked), else_=0),
            "began_at": case((was_open, batches.c.began_at), else_=None),
        }
        opened = {**counts, **speed, "finished_at": None, "cancelled_at": None}
        connection.execute(update(batches).where(batches.c.id == row.batch_id).values(opened))


def _parts(ids: list[str], size: int = 5_000) -> list[list[str]]:
    """Small enough for one statement's parameters."""
    return [ids[start : start + size] for start in range(0, len(ids), size)]
