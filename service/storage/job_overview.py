"""What waits and who is at it, in one look: for metrics, health and the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from service.storage.job_tables import RUNNING, WAITING, workers
from service.storage.tables import jobs

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    """A process among the workers of one PostgreSQL database, as it told with its last sign of life.

    Args:
        id: Names its start.
        host: Its machine.
        pid: Its process there.
        running: Jobs it is doing.
        state: What `service.jobs.progress` says of it.
        detail: The same in a sentence.
    """

    id: str
    host: str
    pid: int
    running: int
    state: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOverview:
    """All jobs of a service, and its living workers.

    Args:
        waiting: Jobs that nobody has begun.
        running: Jobs that were begun and have not ended, those of dead workers included.
        oldest_waiting_s: Seconds since the job was accepted that has waited longest; None when none waits.
        workers: Those that live; None on SQLite, where the one process speaks for itself.
    """

    waiting: int
    running: int
    oldest_waiting_s: float | None
    workers: tuple[Colleague, ...] | None


def job_overview(engine: Engine, *, dead_after_s: float) -> JobOverview:
    """Look at the jobs as they are. Blocks; the partial indexes of jobs that are not finished keep it cheap.

    Args:
        engine: From `open_engine`.
        dead_after_s: Seconds of silence after which a worker does not count as living.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: The database does not answer.
    """
    count = select(func.count()).select_from(jobs)
    oldest = select(jobs.c.created_at).where(WAITING).order_by(jobs.c.id).limit(1)
    query = select(
        count.where(WAITING).scalar_subquery().label("waiting"),
        count.where(RUNNING).scalar_subquery().label("running"),
        oldest.scalar_subquery().label("oldest"),
    )
    with engine.connect() as connection:
        row = connection.execute(query).one()
        living = None if engine.dialect.name == "sqlite" else _living(connection, timedelta(seconds=dead_after_s))
    return JobOverview(waiting=row.waiting, running=row.running, oldest_waiting_s=_age_s(row.oldest), workers=living)


def _living(connection: Connection, dead_after: timedelta) -> tuple[Colleague, ...]:
    shown = (workers.c.id, workers.c.host, workers.c.pid, workers.c.running, workers.c.state, workers.c.detail)
    alive = (workers.c.gone_at.is_(None), workers.c.beat_at > func.now() - dead_after)
    rows = connection.execute(select(*shown).where(*alive).order_by(workers.c.started_at, workers.c.id)).all()
    return tuple(Colleague(**row._mapping) for row in rows)  # noqa: SLF001 -- SQLAlchemy's documented name


def _age_s(moment: datetime | None) -> float | None:
    return None if moment is None else max(0.0, (datetime.now(UTC) - moment).total_seconds())
