"""Keeps what readers guess at riddles, how far each reader has come, and how many have solved a riddle."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, select, tuple_, update

from service.errors import TooManyGuesses
from service.storage.guess_tables import guesses, reader_progress, riddle_tallies
from service.storage.upsert import insert_into

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection, Engine, Row

    from service.ratelimit import Rate
    from service.storage.writer import Writer

_DROPPED_AT_ONCE: Final = 5_000
"""Others write between two such transactions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guessed:
    """A judged guess that is to be kept.

    Args:
        riddle_id: At which riddle.
        reader: Whose, hashed.
        fingerprint: Of the guess: the same one again is no new guess.
        correct: Whether it solves the riddle.
        near: Whether it nearly does.
        score: 0 to 1.
        hints: How many the riddle has to give.
    """

    riddle_id: str
    reader: str
    fingerprint: str
    correct: bool
    near: bool
    score: float
    hints: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a guess came to.

    Args:
        correct: As judged when it was made first.
        near: Same.
        score: Same.
        hint: Place of the hint it is answered with, from 0; None when it solves, or when none is left.
        solved_by: Readers who have solved the riddle by now.
        is_new: Whether this reader has not made this guess before.
    """

    correct: bool
    near: bool
    score: float
    hint: int | None
    solved_by: int
    is_new: bool = field(compare=False)


class GuessStore:
    """Guesses in SQL.

    A reader's guesses at one riddle are dealt with one after another, in whatever processes they arrive: each
    transaction begins by writing the row of the reader's progress, which the next one has to wait for.

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

    async def record(self, guessed: Guessed, rate: Rate) -> Kept:
        """Keep a guess and say what it came to; the same guess again changes nothing and is answered as before.

        A right guess solves the riddle unless the reader has solved it before or had the answer revealed.

        Args:
            guessed: The judged guess.
            rate: How many different ones a reader has at one riddle.

        Raises:
            TooManyGuesses: The reader has to wait.
        """
        kept = await self._writer.write(lambda connection: self._record(connection, guessed, rate))
        if isinstance(kept, TooManyGuesses):  # not raised in there: it would undo what others write beside it
            raise kept
        return kept

    async def reveal(self, riddle_id: str, reader: str) -> None:
        """Note that a reader was told the answer; the first time counts."""
        await self._writer.write(lambda connection: self._reveal(connection, riddle_id, reader))

    def knows(self, riddle_id: str, reader: str) -> bool:
        """Whether a reader has solved the riddle or had it revealed. Blocks: call it in a thread."""
        table = reader_progress.c
        query = select(table.solved_at, table.revealed_at).where(table.riddle_id == riddle_id, table.reader == reader)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return row is not None and (row.solved_at is not None or row.revealed_at is not None)

    def purge(self, keep: timedelta, rate: Rate) -> int:
        """Forget guesses that are older than `keep` and count for no reader's rate any more. Blocks.

        How far readers have come and how many have solved a riddle stays. An old guess made again is a new one.

        Returns:
            How many.
        """
        before = self._clock() - max(keep, timedelta(seconds=rate.window_s))
        key = tuple_(*guesses.primary_key.columns)
        old = select(*guesses.primary_key.columns).where(guesses.c.created_at < before).limit(_DROPPED_AT_ONCE)
        dropped = 0
        while True:
            with self._engine.begin() as connection:
                gone = connection.execute(delete(guesses).where(key.in_(old))).rowcount
            dropped += gone
            if gone < _DROPPED_AT_ONCE:
                return dropped

    def _record(self, connection: Connection, guessed: Guessed, rate: Rate) -> Kept | TooManyGuesses:
        progress = self._progress(connection, guessed.riddle_id, guessed.reader)
        earlier = _earlier(connection, guessed)
        if earlier is not None:
            return _kept(connection, guessed.riddle_id, earlier)
        now = self._clock()
        refused = _over_rate(connection, guessed, rate, now)
        if refused is not None:
            return refused
        hint = _next_hint(progress, guessed)
        solves = guessed.correct and progress.solved_at is None and progress.revealed_at is None
        _move(connection, guessed, {"solved_at": now} if solves else {}, hint)
        if solves:
            self._count_solver(connection, guessed.riddle_id)
        _insert_guess(connection, guessed, hint, now)
        return Kept(
            correct=guessed.correct,
            near=guessed.near,
            score=guessed.score,
            hint=hint,
            solved_by=_solved_by(connection, guessed.riddle_id),
            is_new=True,
        )

    def _progress(self, connection: Connection, riddle_id: str, reader: str) -> Row[Any]:
        """The reader's row, made if need be, and held until the transaction ends."""
        statement = insert_into(reader_progress, connection).values(
            riddle_id=riddle_id, reader=reader, guesses=0, hints=0
        )
        held = statement.on_conflict_do_update(
            index_elements=["riddle_id", "reader"], set_={"guesses": reader_progress.c.guesses}
        )
        return connection.execute(held.returning(*reader_progress.c)).one()

    def _reveal(self, connection: Connection, riddle_id: str, reader: str) -> None:
        if self._progress(connection, riddle_id, reader).revealed_at is None:
            connection.execute(_of(riddle_id, reader).values(revealed_at=self._clock()))

    def _count_solver(self, connection: Connection, riddle_id: str) -> None:
        first = insert_into(riddle_tallies, connection).values(riddle_id=riddle_id, solved_by=1, up=0, down=0)
        connection.execute(
            first.on_conflict_do_update(
                index_elements=["riddle_id"], set_={"solved_by": riddle_tallies.c.solved_by + 1}
            )
        )


def _insert_guess(connection: Connection, guessed: Guessed, hint: int | None, now: datetime) -> None:
    names = ("riddle_id", "reader", "fingerprint", "correct", "near", "score")
    row = {name: getattr(guessed, name) for name in names}
    connection.execute(guesses.insert(), {**row, "hint": hint, "created_at": now})


def _of(riddle_id: str, reader: str) -> Any:
    return update(reader_progress).where(reader_progress.c.riddle_id == riddle_id, reader_progress.c.reader == reader)


def _move(connection: Connection, guessed: Guessed, solved: dict[str, datetime], hint: int | None) -> None:
    given = {} if hint is None else {"hints": hint + 1}
    more = {"guesses": reader_progress.c.guesses + 1}
    connection.execute(_of(guessed.riddle_id, guessed.reader).values(**more, **given, **solved))


def _earlier(connection: Connection, guessed: Guessed) -> Row[Any] | None:
    query = select(guesses).where(
        guesses.c.riddle_id == guessed.riddle_id,
        guesses.c.reader == guessed.reader,
        guesses.c.fingerprint == guessed.fingerprint,
    )
    return connection.execute(query).first()


def _kept(connection: Connection, riddle_id: str, row: Row[Any]) -> Kept:
    solved_by = _solved_by(connection, riddle_id)
    return Kept(correct=row.correct, near=row.near, score=row.score, hint=row.hint, solved_by=solved_by, is_new=False)


def _solved_by(connection: Connection, riddle_id: str) -> int:
    query = select(riddle_tallies.c.solved_by).where(riddle_tallies.c.riddle_id == riddle_id)
    return connection.execute(query).scalar() or 0


def _over_rate(connection: Connection, guessed: Guessed, rate: Rate, now: datetime) -> TooManyGuesses | None:
    window = timedelta(seconds=rate.window_s)
    query = select(func.count(), func.min(guesses.c.created_at, type_=guesses.c.created_at.type)).where(
        guesses.c.riddle_id == guessed.riddle_id,
        guesses.c.reader == guessed.reader,
        guesses.c.created_at > now - window,
    )
    made, first = connection.execute(query).one()
    return TooManyGuesses(rate.text, (first + window - now).total_seconds()) if made >= rate.limit else None


def _next_hint(progress: Row[Any], guessed: Guessed) -> int | None:
    done = guessed.correct or progress.solved_at is not None
    return None if done or progress.hints >= guessed.hints else int(progress.hints)
