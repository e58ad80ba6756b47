"""The journal of a job's model calls, in SQL."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from service.storage.job_tables import job_calls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy.engine import Connection, Engine

    from service.jobs.outlasting import Outlast
    from service.storage.jobs import StartedJob
    from service.storage.writer import Writer


class SqlJournal:
    """A `JournalStore` for one job. Its rows go when the job ends, in the same transaction.

    Args:
        engine: From `open_engine`.
        writer: Of that engine: what finishes at once is made durable together.
        job: One that was begun.
        is_new: It was never run before, here or elsewhere, so nothing can be noted.
        check: Raises `Superseded` when another start of the job has the say.
        outlast: Does what it is given, and waits for a database that is away; an answer that is paid for is not let go.
        on_noted: Told when an answer is on the disk.
        on_found: Told when one was noted before.
    """

    def __init__(
        self,
        engine: Engine,
        writer: Writer,
        job: StartedJob,
        *,
        is_new: bool,
        check: Callable[[StartedJob], Awaitable[None]],
        outlast: Outlast,
        on_noted: Callable[[], None],
        on_found: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._writer = writer
        self._job = job
        self._is_new = is_new
        self._check = check
        self._outlast = outlast
        self._on_noted = on_noted
        self._on_found = on_found
        self._note = _NOTE[engine.dialect.name]

    async def check(self) -> None:
        """Nothing, if this start of the job has the say.

        Raises:
            Superseded: It has not.
        """
        await self._check(self._job)

    async def read(self, key: str) -> list[dict[str, Any]] | None:
        """The answers noted under a key; None when there are none."""
        if self._is_new:
            return None
        found = await self._outlast(lambda: asyncio.to_thread(self._read, key))
        if found is not None:
            self._on_found()
        return found

    def _read(self, key: str) -> list[dict[str, Any]] | None:
        with self._engine.connect() as connection:
            found = connection.execute(_NOTED, {"job": self._job.id, "call": key}).scalar()
        return None if found is None else list(found)

    async def write(self, key: str, answers: list[dict[str, Any]]) -> None:
        """Note answers, on the disk when this returns."""
        row = {"job_id": self._job.id, "call_key": key, "created_at": datetime.now(UTC), "answers": answers}

        def note(connection: Connection) -> None:
            connection.execute(self._note, row)

        await self._outlast(lambda: self._writer.write(note))
        self._on_noted()


_NOTE: Final = {
    "sqlite": sqlite.insert(job_calls).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(job_calls).on_conflict_do_nothing(),
}
"""By dialect."""
_NOTED: Final = select(job_calls.c.answers).where(
    job_calls.c.job_id == bindparam("job"), job_calls.c.call_key == bindparam("call")
)
