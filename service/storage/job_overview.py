"""What waits and who is at it, in one look: for metrics, health and the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from service.storage.job_tables import DEFERRED, RUNNING, WAITING, workers
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
        waiting: Jobs that nobody has begun, deferred ones included.
        deferred: Those of them that wait for a daily budget.
        running: Jobs that were begun and have not ended, those of dead workers included.
        oldest_waiting_s: Seconds that the job has waited which has waited longest since it could be begun: since it
            was accepted, or since there was money for it again. None when none waits but for its budget's next day.
        workers: Those that live; None on SQLite, where the one process speaks for itself.
    """

    waiting: int
    deferred: int
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
    in_order = (jobs.c.not_before, jobs.c.id)  # that of the index
    fresh = select(jobs.c.created_at).where(WAITING, jobs.c.not_before.is_(None)).order_by(*in_order).limit(1)
    put_back = select(jobs.c.not_before).where(WAITING, jobs.c.not_before.is_not(None)).order_by(*in_order).limit(1)
    query = select(
        count.where(WAITING).scalar_subquery().label("waiting"),
        count.where(DEFERRED).scalar_subquery().label("deferred"),
        count.where(RUNNING).scalar_subquery().label("running"),
        fresh.scalar_subquery().label("fresh"),
        put_back.scalar_subquery().label("put_back"),
    )
    with engine.connect() as connection:
        row = connection.execute(query).one()
        living = None if engine.dialect.name == "sqlite" else _living(connection, timedelta(seconds=dead_after_s))
    return JobOverview(
        waiting=row.waiting,
        deferred=row.deferred,
        running=row.running,
        oldest_waiting_s=_longest_s(row.fresh, row.put_back),
        workers=living,
    )


def _living(connection: Connection, dead_after: timedelta) -> tuple[Colleague, ...]:
    shown = (workers.c.id, workers.c.host, workers.c.pid, workers.c.running, workers.c.state, workers.c.detail)
    alive = (workers.c.gone_at.is_(None), workers.c.beat_at > func.now() - dead_after)
    rows = connection.execute(select(*shown).where(*alive).order_by(workers.c.started_at, workers.c.id)).all()
    return tuple(Colleague(**row._mapping) for row in rows)  # noqa: SLF001 -- SQLAlchemy's documented name


def _longest_s(*since: datetime | None) -> float | None:
    """Seconds since the first of these moments; None when all that there are lie ahead."""
    now = datetime.now(UTC)
    past = [moment for moment in since if moment is not None and moment <= now]
    return (now - min(past)).total_seconds() if past else None
