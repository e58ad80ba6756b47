"""The journal of a job's model calls, and of what they were decided on, in SQL."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from service.storage.job_tables import job_calls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

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
    ) -> None:
        self._engine = engine
        self._writer = writer
        self._job = job
        self._is_new = is_new
        self._check = check
        self._outlast = outlast
        self._on_noted = on_noted
        self._note = _NOTE[engine.dialect.name]

    async def check(self) -> None:
        """Nothing, if this start of the job has the say.

        Raises:
            Superseded: It has not.
        """
        await self._check(self._job)

    async def read(self, key: str) -> list[dict[str, Any]] | None:
        """What is noted under a key; None when nothing is."""
        if self._is_new:
            return None
        return await self._outlast(lambda: asyncio.to_thread(self._read, key))

    def _read(self, key: str) -> list[dict[str, Any]] | None:
        with self._engine.connect() as connection:
            found = connection.execute(_NOTED, {"job": self._job.id, "call": key}).scalar()
        return None if found is None else list(found)

    async def write(self, notes: Mapping[str, list[dict[str, Any]]]) -> None:
        """Note all of it or nothing, on the disk when this returns; what is noted under a key already stays."""
        of_all = {"job_id": self._job.id, "created_at": datetime.now(UTC)}
        rows = [{**of_all, "call_key": key, "answers": noted} for key, noted in notes.items()]

        def note(connection: Connection) -> None:
            connection.execute(self._note, rows)

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
