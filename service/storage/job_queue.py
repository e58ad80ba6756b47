"""The queue of jobs in SQL: which of them the job engine has, in portions, and how many wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.utils.uuid import uuid7
from sqlalchemy import Select, and_, func, or_, select, true, update

from service.storage.job_tables import HANDED_OVER, RUNNING, TO_HAND_OVER, WAITING
from service.storage.jobs import OPEN
from service.storage.tables import batch_items, jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection, Engine, Row


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


class JobQueue:
    """Jobs on their way to the job engine. Methods block: call them in a worker thread.

    Args:
        engine: From `open_engine`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def hand_over(
        self,
        limit: int,
        into: Callable[[Connection, Sequence[Portion]], None],
        *,
        portion_size: int,
        at_most_waiting: int,
        only: str | None = None,
    ) -> int:
        """Put waiting jobs into the job engine's queue, in one transaction with the note that they are there.

        Args:
            limit: At most so many.
            into: Puts portions of them there, on the connection it is given.
            portion_size: Jobs of one portion.
            at_most_waiting: No more than so many stand in the engine's queue at once, so that the rest can still be
                overtaken and cancelled cheaply.
            only: Jobs of this batch, by id; None: all.

        Returns:
            How many.
        """
        with self._engine.begin() as connection:
            room = min(limit, at_most_waiting - _in_engine(connection, only))
            rows = connection.execute(_to_hand_over(room, only)).all() if room > 0 else []
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

    def put_back_unless_in(self, batch_id: str, job_ids: Collection[str]) -> bool:
        """Take a portion's open jobs out of it, so that they wait in the database, unless all of them are of a batch.

        All or none: a portion of which a part was put back could come again beside the one that this part goes into.

        Args:
            batch_id: The batch.
            job_ids: The portion's, which this process was given.

        Returns:
            Whether they were put back.
        """
        opened = and_(jobs.c.id.in_(job_ids), jobs.c.status.in_(OPEN))
        with self._engine.begin() as connection:
            strangers = connection.execute(select(jobs.c.id).where(opened, ~_of(batch_id)).limit(1)).first()
            if strangers is not None:
                connection.execute(update(jobs).where(opened).values(status="queued", portion=None))
        return strangers is not None

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
        with self._engine.connect() as connection:
            return count_waiting(connection)


def count_waiting(connection: Connection) -> int:
    """How many jobs nobody has begun yet, those that wait for a daily budget included."""
    return int(connection.execute(select(func.count()).select_from(jobs).where(WAITING)).scalar_one())


def _in_engine(connection: Connection, only: str | None) -> int:
    query = select(func.count()).select_from(jobs).where(HANDED_OVER, _of(only))
    return int(connection.execute(query).scalar_one())


def _to_hand_over(limit: int, only: str | None) -> Select[Any]:
    return (
        select(jobs.c.id, jobs.c.priority)
        .where(TO_HAND_OVER, _of(only))
        .order_by(jobs.c.priority, jobs.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )


def _of(batch_id: str | None) -> ColumnElement[bool]:
    if batch_id is None:
        return true()
    wanted = and_(batch_items.c.batch_id == batch_id, ~batch_items.c.cancelled)
    return jobs.c.id.in_(select(batch_items.c.job_id).where(wanted))


def _parts(rows: Sequence[Row[Any]], size: int) -> list[Sequence[Row[Any]]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _portion(rows: Sequence[Row[Any]]) -> Portion:
    urgent = min(row.priority for row in rows)
    return Portion(id=f"por_{uuid7().hex}", job_ids=tuple(row.id for row in rows), priority=urgent)
