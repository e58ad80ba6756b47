"""Keeps what readers think of riddles: one opinion of each reader, the last one counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.utils.uuid import uuid7
from sqlalchemy import select

from service.storage.guess_tables import feedback, riddle_tallies
from service.storage.page import Page, decode_cursor, page_of
from service.storage.upsert import insert_into

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection, Engine, Row

    from service.storage.writer import Writer

Rating = Literal[-1, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What one reader thinks of one riddle.

    Args:
        id: `fb_` and a UUIDv7 in hex.
        rating: 1 for a good riddle, -1 for a bad one.
        comment: In the reader's words, cleaned.
        created_at: Of the first time.
        updated_at: Of the last time.
    """

    id: str
    rating: Rating
    comment: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """A riddle's counts.

    Args:
        solved_by: Readers who solved it.
        up: Readers who rate it 1.
        down: Readers who rate it -1.
    """

    solved_by: int = 0
    up: int = 0
    down: int = 0


class FeedbackStore:
    """Opinions in SQL.

    Args:
        engine: From `open_engine`.
        writer: Of that engine.
        clock: Now, in UTC; tests pass their own.
    """

    def __init__(
        self, engine: Engine, writer: Writer, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._engine = engine
        self._writer = writer
        self._clock = clock

    async def give(self, riddle_id: str, reader: str, rating: Rating, comment: str | None) -> Opinion:
        """Keep a reader's opinion in place of the one before."""
        return await self._writer.write(lambda connection: self._give(connection, riddle_id, reader, rating, comment))

    def tally(self, riddle_id: str) -> Tally:
        """A riddle's counts. Blocks: call it in a thread."""
        query = select(riddle_tallies).where(riddle_tallies.c.riddle_id == riddle_id)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return Tally() if row is None else Tally(solved_by=row.solved_by, up=row.up, down=row.down)

    def list(self, riddle_id: str, *, limit: int, cursor: str | None = None) -> Page[Opinion]:
        """A page of opinions about a riddle, those of the latest readers first. Blocks: call it in a thread.

        Raises:
            InvalidCursor: The cursor is not one of ours.
        """
        query = select(feedback).where(feedback.c.riddle_id == riddle_id).order_by(feedback.c.id.desc())
        if cursor is not None:
            query = query.where(feedback.c.id < decode_cursor(cursor))
        with self._engine.connect() as connection:
            rows = connection.execute(query.limit(limit + 1)).all()
        return page_of(rows, limit, _opinion)

    def _give(
        self, connection: Connection, riddle_id: str, reader: str, rating: Rating, comment: str | None
    ) -> Opinion:
        self._hold_tally(connection, riddle_id)
        before = _before(connection, riddle_id, reader)
        now = self._clock()
        values = {"rating": rating, "comment": comment, "updated_at": now}
        row = {"riddle_id": riddle_id, "reader": reader, "id": f"fb_{uuid7().hex}", "created_at": now, **values}
        kept = insert_into(feedback, connection).values(row)
        kept = kept.on_conflict_do_update(index_elements=["riddle_id", "reader"], set_=values)
        stored = connection.execute(kept.returning(*feedback.c)).one()
        _recount(connection, riddle_id, before, rating)
        return _opinion(stored)

    def _hold_tally(self, connection: Connection, riddle_id: str) -> None:
        """Make the riddle's counts if need be, and hold them, so that nobody counts beside us."""
        statement = insert_into(riddle_tallies, connection).values(riddle_id=riddle_id, solved_by=0, up=0, down=0)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["riddle_id"], set_={"up": riddle_tallies.c.up})
        )


def _before(connection: Connection, riddle_id: str, reader: str) -> Rating | None:
    query = select(feedback.c.rating).where(feedback.c.riddle_id == riddle_id, feedback.c.reader == reader)
    rating: Rating | None = connection.execute(query).scalar()
    return rating


def _recount(connection: Connection, riddle_id: str, before: Rating | None, after: Rating) -> None:
    table = riddle_tallies
    more = {
        "up": table.c.up + (int(after == 1) - int(before == 1)),
        "down": table.c.down + (int(after == -1) - int(before == -1)),
    }
    connection.execute(table.update().where(table.c.riddle_id == riddle_id).values(more))


def _opinion(row: Row[Any]) -> Opinion:
    return Opinion(
        id=row.id, rating=row.rating, comment=row.comment, created_at=row.created_at, updated_at=row.updated_at
    )
