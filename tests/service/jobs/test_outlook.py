from __future__ import annotations

from typing import Any

from service.jobs.outlook import outlook
from service.jobs.progress import WorkHealth
from service.setting_groups.background import JobSettings
from service.storage.job_overview import Colleague, JobOverview

SETTINGS = JobSettings()
STUCK = WorkHealth(state="stuck", detail="2 jobs in hand, and none has got on for 900 s")


def overview(**given: Any) -> JobOverview:
    return JobOverview(**{"waiting": 0, "deferred": 0, "running": 0, "oldest_waiting_s": None, "workers": (), **given})


def colleague(state: str) -> Colleague:
    return Colleague(id="w-1", host="machine-7", pid=4711, running=2, state=state, detail=STUCK.detail)


def test_a_queue_that_workers_are_at_is_in_order() -> None:
    found = outlook(
        overview(waiting=900, oldest_waiting_s=3000.0, running=16, workers=(colleague("busy"), colleague("waiting"))),
        SETTINGS,
        here=None,
        works_here=False,
    )
    assert found.troubles == ()
    assert found.summary == "900 wait, 16 begun; workers: 1 busy, 1 waiting"


def test_what_waits_for_a_daily_budget_is_told_and_is_no_trouble() -> None:
    found = outlook(
        overview(waiting=900, deferred=850, workers=(colleague("idle"),)), SETTINGS, here=None, works_here=False
    )
    assert found.troubles == ()
    assert found.summary == "900 wait (850 of them for a daily budget), 0 begun; workers: 1 idle"


def test_articles_that_wait_for_nobody_are_told_once_somebody_had_time_to_come() -> None:
    waiting = overview(waiting=3, oldest_waiting_s=SETTINGS.dead_after_s)
    (trouble,) = outlook(waiting, SETTINGS, here=None, works_here=False).troubles
    assert trouble.what == "3 articles wait, the first for 15 s, and no worker lives"
    assert "riddlewire work" in trouble.remedy
    assert outlook(waiting, SETTINGS, here=None, works_here=True).troubles == ()
    just_sent = overview(waiting=3, oldest_waiting_s=1.0)
    assert outlook(just_sent, SETTINGS, here=None, works_here=False).troubles == ()


def test_a_stuck_worker_is_named_and_its_machine_only_to_operators() -> None:
    stuck = overview(running=2, workers=(colleague("stuck"), colleague("busy")))
    (trouble,) = outlook(stuck, SETTINGS, here=None, works_here=False).troubles
    assert trouble.what == f"worker w-1 is stuck: {STUCK.detail}"
    (trouble,) = outlook(stuck, SETTINGS, here=None, works_here=False, hosts=True).troubles
    assert "(process 4711 on machine-7)" in trouble.what


def test_where_no_table_tells_of_workers_this_process_speaks_for_itself() -> None:
    alone = overview(running=2, workers=None)
    (trouble,) = outlook(alone, SETTINGS, here=STUCK, works_here=True).troubles
    assert trouble.what == f"this process is stuck: {STUCK.detail}"
    assert outlook(alone, SETTINGS, here=None, works_here=True).troubles == ()


def test_an_article_that_waits_for_longer_than_is_allowed_is_late() -> None:
    late = overview(waiting=1, oldest_waiting_s=SETTINGS.late_after_s, workers=(colleague("busy"),))
    (trouble,) = outlook(late, SETTINGS, here=None, works_here=False).troubles
    assert "has waited for 86400 s" in trouble.what
