from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import OperationalError

from service.jobs.progress import Progress
from service.storage.job_overview import Colleague, JobOverview
from service.telemetry import job_metrics
from service.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable

BUSY = Colleague(id="w-1", host="here", pid=1, running=3, state="busy", detail="3 jobs in hand")


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def overview(workers: tuple[Colleague, ...] | None = (BUSY,)) -> JobOverview:
    return JobOverview(waiting=7, deferred=2, running=3, oldest_waiting_s=61.5, workers=workers)


def test_the_backlog_is_looked_at_for_each_scrape() -> None:
    metrics = Metrics()
    looks: list[None] = []

    def look() -> JobOverview:
        looks.append(None)
        return overview()

    metrics.jobs.watch_all(look)
    metrics.exposition()
    metrics.exposition()
    assert len(looks) == 2
    assert value(metrics, "riddlewire_jobs_waiting") == 7
    assert value(metrics, "riddlewire_jobs_deferred") == 2
    assert value(metrics, "riddlewire_jobs_running") == 3
    assert value(metrics, "riddlewire_jobs_oldest_waiting_seconds") == 61.5
    assert value(metrics, "riddlewire_jobs_known") == 1
    assert value(metrics, "riddlewire_workers", state="busy") == 1
    assert value(metrics, "riddlewire_workers", state="stuck") == 0


def test_on_sqlite_there_is_no_number_of_workers_rather_than_none() -> None:
    metrics = Metrics()
    metrics.jobs.watch_all(lambda: overview(workers=None))
    assert value(metrics, "riddlewire_jobs_waiting") == 7
    assert value(metrics, "riddlewire_workers", state="busy") is None


def away() -> JobOverview:
    raise OperationalError("SELECT", {}, ConnectionError("refused"))


def broken() -> JobOverview:
    raise OSError("no file descriptors")


@pytest.mark.parametrize("look", [away, broken])
def test_a_database_that_is_away_breaks_no_scrape_and_leaves_no_old_numbers(look: Callable[[], JobOverview]) -> None:
    metrics = Metrics()
    metrics.jobs.watch_all(overview)
    metrics.exposition()
    metrics.jobs.watch_all(look)
    assert b"riddlewire_jobs_known 0.0" in metrics.exposition()[0]
    assert value(metrics, "riddlewire_jobs_waiting") is None
    assert value(metrics, "riddlewire_job_takeovers_total") == 0


def test_a_database_that_hangs_holds_a_scrape_up_for_seconds_and_is_asked_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(job_metrics, "SCRAPE_PATIENCE_S", 0.1)
    metrics = Metrics()
    answers, looks = threading.Event(), []

    def look() -> JobOverview:
        looks.append(threading.current_thread().daemon)
        answers.wait(20)
        return overview()

    metrics.jobs.watch_all(look)
    began = time.monotonic()
    for _ in range(3):
        assert b"riddlewire_jobs_known 0.0" in metrics.exposition()[0]
    assert time.monotonic() - began < 5
    assert looks == [True], "one look at a time, in a thread that does not keep the process from ending"
    answers.set()


def test_who_stops_looking_leaves_the_look_of_another() -> None:
    metrics = Metrics()
    metrics.jobs.watch_all(away)
    metrics.jobs.watch_all(overview)
    metrics.jobs.unwatch_all(away)
    assert value(metrics, "riddlewire_jobs_waiting") == 7
    metrics.jobs.unwatch_all(overview)
    assert value(metrics, "riddlewire_jobs_known") is None


def test_jobs_are_counted_by_pipeline_and_status_and_timed_unless_run_again() -> None:
    metrics = Metrics()
    metrics.jobs.observe_end("openai", "published", 12.0)
    metrics.jobs.observe_end("openai", "failed", None)
    assert value(metrics, "riddlewire_jobs_ended_total", pipeline="openai", status="published") == 1
    assert value(metrics, "riddlewire_jobs_ended_total", pipeline="openai", status="failed") == 1
    assert value(metrics, "riddlewire_job_seconds_count", pipeline="openai") == 1
    assert value(metrics, "riddlewire_job_seconds_sum", pipeline="openai") == 12.0


def test_a_failure_is_shown_as_none_from_the_first_job_on() -> None:
    metrics = Metrics()
    metrics.jobs.observe_begin("openai")
    assert value(metrics, "riddlewire_jobs_ended_total", pipeline="openai", status="failed") == 0


def test_what_this_process_has_in_hand_is_asked_for_at_each_scrape() -> None:
    metrics = Metrics()
    now = [100.0]
    progress = Progress(stuck_after_s=60, clock=lambda: now[0])
    metrics.jobs.watch_here(progress, slots=16)
    with progress.job("a"):
        now[0] += 61
        assert value(metrics, "riddlewire_job_slots") == 16
        assert value(metrics, "riddlewire_job_slots_used") == 1
        assert value(metrics, "riddlewire_job_oldest_in_hand_seconds") == 61
        assert value(metrics, "riddlewire_worker_stuck") == 1
    assert value(metrics, "riddlewire_job_slots_used") == 0
    assert value(metrics, "riddlewire_worker_stuck") == 0
