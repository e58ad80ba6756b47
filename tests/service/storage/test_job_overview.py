from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import func, insert, select, text, update

from service.jobs.fleet import Fleet
from service.jobs.progress import WorkHealth
from service.storage.job_overview import job_overview
from service.storage.job_tables import workers
from service.storage.tables import articles, jobs
from service.telemetry.job_metrics import JobMetrics

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine


def add_job(connection: Connection, number: int, status: str, *, age_s: float = 0) -> None:
    created = datetime.now(UTC) - timedelta(seconds=age_s)
    connection.execute(insert(articles).values(id=f"art_{number}", created_at=created, text="A ship left."))
    job = {"id": f"job_{number:04}", "created_at": created, "dedup_key": str(number), "article_id": f"art_{number}"}
    rest = {"pipeline": "openai", "priority": 1, "starts": 0, "fence": 0}
    connection.execute(insert(jobs).values(**job, **rest, status=status))


def add_worker(connection: Connection, name: str, *, silent_s: float = 0, state: str = "busy") -> None:
    beat = func.now() - timedelta(seconds=silent_s)
    row = {"id": name, "host": "here", "pid": 7, "running": 2, "state": state, "detail": "2 jobs in hand"}
    connection.execute(insert(workers).values(**row, started_at=func.now(), beat_at=beat))


def test_an_empty_service_has_nothing_waiting(engine: Engine) -> None:
    found = job_overview(engine, dead_after_s=15)
    assert (found.waiting, found.running, found.oldest_waiting_s) == (0, 0, None)


def test_waiting_and_begun_jobs_are_counted_and_the_oldest_waiting_is_timed(engine: Engine) -> None:
    with engine.begin() as connection:
        add_job(connection, 1, "published", age_s=9000)
        add_job(connection, 2, "running", age_s=900)
        add_job(connection, 3, "queued", age_s=300)
        add_job(connection, 4, "queued", age_s=30)
    found = job_overview(engine, dead_after_s=15)
    assert (found.waiting, found.running) == (2, 1)
    assert found.oldest_waiting_s == pytest.approx(300, abs=10)


@pytest.mark.postgres
@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_only_the_living_are_listed(engine: Engine) -> None:
    with engine.begin() as connection:
        add_worker(connection, "w-lives")
        add_worker(connection, "w-silent", silent_s=16)
        add_worker(connection, "w-buried")
        connection.execute(update(workers).where(workers.c.id == "w-buried").values(gone_at=func.now()))
    found = job_overview(engine, dead_after_s=15)
    assert found.workers is not None
    assert [(worker.id, worker.state, worker.running) for worker in found.workers] == [("w-lives", "busy", 2)]


@pytest.mark.postgres
@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_worker_that_leaves_in_good_order_is_gone_at_once_and_can_still_be_taken_over_from(engine: Engine) -> None:
    one, other = (member(engine, name) for name in ("w-one", "w-other"))
    one.join()
    other.join()
    one.leave()
    with engine.connect() as connection:
        there = connection.execute(select(workers.c.id).where(workers.c.gone_at.is_(None))).scalars().all()
    assert there == ["w-other"]
    assert other.bury() == 2
    other.leave()


def member(engine: Engine, name: str) -> Fleet:
    """A worker that beats rarely and takes over two jobs from whom it buries."""
    return Fleet(
        engine,
        worker=name,
        take_over=lambda _: 2,
        running=lambda: 0,
        health=lambda: WorkHealth(state="idle", detail=""),
        dead_after_s=600,
        metrics=JobMetrics(CollectorRegistry()),
    )


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_on_sqlite_no_table_tells_of_workers(engine: Engine) -> None:
    assert job_overview(engine, dead_after_s=15).workers is None


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_counting_reads_the_small_indexes_and_not_the_table(engine: Engine) -> None:
    plans = {
        "jobs_waiting": "SELECT count(*) FROM jobs WHERE status = 'queued'",
        "jobs_running": "SELECT count(*) FROM jobs WHERE status = 'running'",
        "jobs_deferred": "SELECT count(*) FROM jobs WHERE status = 'queued' AND deferred_by IS NOT NULL",
    }
    with engine.connect() as connection:
        for index, query in plans.items():
            plan = " ".join(row[-1] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}")))
            assert f"INDEX {index}" in plan


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_one_that_has_waited_longest_is_found_without_sorting(engine: Engine) -> None:
    where = "SELECT created_at FROM jobs WHERE status = 'queued' AND not_before IS"
    with engine.connect() as connection:
        for null in ("NULL", "NOT NULL"):
            query = f"EXPLAIN QUERY PLAN {where} {null} ORDER BY not_before, id LIMIT 1"
            plan = " ".join(row[-1] for row in connection.execute(text(query)))
            assert "INDEX jobs_waiting" in plan
            assert "TEMP B-TREE" not in plan
