"""Jobs that wait until there is money for them: put back as if never begun, and let go all at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, select, update

from service.storage.job_tables import DEFERRED, jobs
from service.storage.jobs import Superseded

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

    from service.limits.errors import Budget
    from service.storage.jobs import StartedJob
    from service.storage.writer import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferredGroup:
    """Jobs whose calls fall under the same budgets, so that one look at the budgets tells of all.

    Args:
        budget: The budget that they met.
        pipeline: By name.
        key_id: Of the API key that asked for them; None without keys.
    """

    budget: Budget
    pipeline: str
    key_id: str | None


class DeferredJobs:
    """Deferred jobs in SQLite or PostgreSQL. Methods block: call them in a worker thread; `adefer` does.

    Args:
        engine: From `open_engine`.
        writer: Of that engine.
    """

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self._engine = engine
        self._writer = writer

    async def adefer(self, job: StartedJob, *, budget: Budget, until: datetime) -> None:
        """Queue a job again that was begun and met a spent budget. The start does not count; what was paid for is kept.

        Args:
            job: As it was begun.
            budget: That it met.
            until: When that starts anew.

        Raises:
            Superseded: Another start has the say.
        """
        mine = and_(jobs.c.id == job.id, jobs.c.status == "running", jobs.c.fence == job.fence)
        values = {
            "status": "queued",
            "portion": None,
            "starts": jobs.c.starts - 1,
            "deferred_by": budget,
            "not_before": until,
        }

        def defer(connection: Connection) -> None:
            if connection.execute(update(jobs).where(mine).values(values)).rowcount != 1:
                raise Superseded(job.id)

        await self._writer.write(defer)

    def groups(self) -> tuple[DeferredGroup, ...]:
        """What kinds of jobs are deferred; read from a small index alone."""
        query = select(jobs.c.deferred_by, jobs.c.pipeline, jobs.c.key_id).where(DEFERRED).distinct()
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return tuple(DeferredGroup(budget=row[0], pipeline=row[1], key_id=row[2]) for row in rows)

    def resume(self, group: DeferredGroup) -> int:
        """Let all jobs of a group be begun from now on; they stand where they stood by their age.

        Returns:
            How many.
        """
        locked = (
            select(jobs.c.id)
            .where(
                DEFERRED,
                jobs.c.deferred_by == group.budget,
                jobs.c.pipeline == group.pipeline,
                jobs.c.key_id.is_(None) if group.key_id is None else jobs.c.key_id == group.key_id,
            )
            .order_by(jobs.c.id)
            .with_for_update(skip_locked=True)  # another worker may be letting the same ones go
        )
        values = {"deferred_by": None, "not_before": datetime.now(UTC)}
        with self._engine.begin() as connection:
            return connection.execute(update(jobs).where(jobs.c.id.in_(locked)).values(values)).rowcount
