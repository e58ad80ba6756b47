"""Answers of models by the name of their question, for all processes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, select, update

from chains.models.remembered import GivenAnswer
from domain.storable import storable
from service.storage.limit_tables import step_cache
from service.storage.upsert import insert_into

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy.engine import Connection, Engine

_PURGED_AT_ONCE = 500


class StepCacheStore:
    """The cache in SQL. Synchronous: call it from a worker thread.

    Args:
        engine: From `open_engine`.
        kept: How long an answer is given out, counted from when it was made.
        clock: The moment, in UTC; tests pass their own.
    """

    def __init__(
        self, engine: Engine, *, kept: timedelta, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._engine = engine
        self._kept = kept
        self._clock = clock
        insert = insert_into(step_cache, engine)
        fields = ("model", "answers", "created_at", "used_at")
        self._keep = insert.on_conflict_do_update(
            index_elements=["question"], set_={name: insert.excluded[name] for name in fields}
        )
        self._find = select(step_cache.c.answers).where(
            step_cache.c.question == bindparam("asked"), step_cache.c.created_at > bindparam("oldest")
        )

    def find(self, question: str) -> tuple[GivenAnswer, ...] | None:
        """The answers to a question; None when there are none, or only ones that are too old."""
        with self._engine.connect() as connection:
            row = connection.execute(self._find, {"asked": question, "oldest": self._oldest}).first()
        return None if row is None else tuple(GivenAnswer(**answer) for answer in row.answers)

    def keeping(self, question: str, model: str, answers: Sequence[GivenAnswer]) -> Callable[[Connection], None] | None:
        """What writes answers down in a transaction; None when they hold what no database can keep as it is."""
        if any(storable(answer.text) != answer.text for answer in answers):
            return None
        now = self._clock()
        row = {
            "question": question,
            "model": model,
            "answers": [{"text": answer.text, "finish_reason": answer.finish_reason} for answer in answers],
            "created_at": now,
            "used_at": now,
            "hits": 0,
        }

        def write(connection: Connection) -> None:
            connection.execute(self._keep, row)

        return write

    def count_hits(self, hits: Mapping[str, int]) -> None:
        """Note how often questions were answered from here; what is used stays longest."""
        rows = [{"asked": question, "more": count} for question, count in sorted(hits.items())]
        statement = (
            update(step_cache)
            .where(step_cache.c.question == bindparam("asked"))
            .values(hits=step_cache.c.hits + bindparam("more"), used_at=self._clock())
        )
        with self._engine.begin() as connection:
            connection.execute(statement, rows)

    def purge(self, *, max_rows: int) -> int:
        """Drop what is too old and, above so many rows, what was not used for longest; how many were dropped.

        In small transactions, so that nobody waits long for the pen.
        """
        dropped = self._drop(step_cache.c.created_at <= self._oldest)
        with self._engine.connect() as connection:
            rows = connection.execute(select(func.count()).select_from(step_cache)).scalar_one()
        return dropped + (self._drop(None, most=rows - max_rows) if rows > max_rows else 0)

    @property
    def _oldest(self) -> datetime:
        return self._clock() - self._kept

    def _drop(self, condition: Any, *, most: int | None = None) -> int:
        dropped = 0
        while most is None or dropped < most:
            size = _PURGED_AT_ONCE if most is None else min(_PURGED_AT_ONCE, most - dropped)
            victims = select(step_cache.c.question).order_by(step_cache.c.used_at).limit(size)
            if condition is not None:
                victims = victims.where(condition)
            with self._engine.begin() as connection:
                gone = connection.execute(delete(step_cache).where(step_cache.c.question.in_(victims))).rowcount
            dropped += gone
            if gone < size:
                break
        return dropped
