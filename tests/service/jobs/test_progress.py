from __future__ import annotations

import asyncio
import threading
import time

import pytest

from service.jobs.progress import LOOP_STUCK_AFTER_S, Progress
from tests.support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    return Progress(stuck_after_s=900, clock=clock)


def test_a_worker_without_a_job_is_idle_however_long_it_lasts(progress: Progress, clock: Clock) -> None:
    clock.now += 10_000
    assert progress.health().state == "idle"


def test_a_job_that_was_begun_after_a_long_rest_makes_a_busy_worker(progress: Progress, clock: Clock) -> None:
    clock.now += 10_000
    with progress.job("a"):
        assert progress.health().state == "busy"
    assert progress.health().state == "idle"


def test_jobs_of_which_none_gets_on_are_stuck_from_that_second_on(progress: Progress, clock: Clock) -> None:
    with progress.job("a"), progress.job("b"):
        clock.now += 899
        assert progress.health().state == "busy"
        clock.now += 1
        health = progress.health()
        assert (health.state, health.detail) == ("stuck", "2 jobs in hand, and none has got on for 900 s")
        progress.stamp()
        assert progress.health().state == "busy"


def test_a_long_job_beside_others_that_end_is_busy(progress: Progress, clock: Clock) -> None:
    with progress.job("long"):
        for number in range(10):
            with progress.job(f"short-{number}"):
                clock.now += 600
            assert progress.health().state == "busy"
        assert progress.oldest_s == 6000


def test_a_known_wait_is_no_standstill_and_a_job_beside_it_that_hangs_is_seen(progress: Progress, clock: Clock) -> None:
    with progress.job("waits"), progress.waiting("waits", "another run"):
        clock.now += 5000
        health = progress.health()
        assert (health.state, health.detail) == ("waiting", "1 jobs in hand, waiting for another run")
        with progress.job("hangs"):
            clock.now += 900
            assert progress.health().state == "stuck"


def test_a_wait_is_over_only_for_who_ends_it(progress: Progress, clock: Clock) -> None:
    with progress.job("a"):
        progress.waits("a", "the database")
        progress.found("a", "something else")
        clock.now += 5000
        assert progress.health().state == "waiting"
        progress.found("a", "the database")
        clock.now += 900
        assert progress.health().state == "stuck"


def test_calls_that_limits_hold_back_are_waited_for(clock: Clock) -> None:
    held = True
    progress = Progress(stuck_after_s=900, provider_waits=lambda: held, clock=clock)
    with progress.job("a"):
        clock.now += 5000
        assert progress.health().state == "waiting"
        held = False
        assert progress.health().state == "stuck"


def test_an_event_loop_that_does_not_turn_is_stuck_with_or_without_jobs(progress: Progress, clock: Clock) -> None:
    progress.turned()
    clock.now += LOOP_STUCK_AFTER_S
    assert progress.health().state == "stuck"
    assert "event loop has not turned for 60 s" in progress.health().detail
    progress.turned()
    assert progress.health().state == "idle"


def test_a_worker_gets_ready_for_jobs_and_one_that_never_is_ready_is_stuck(progress: Progress, clock: Clock) -> None:
    with progress.starting():
        clock.now += 900 - 1
        assert progress.health().state == "starting"
        clock.now += 1
        assert progress.health().state == "stuck"
    assert progress.health().state == "idle"
    clock.now += LOOP_STUCK_AFTER_S
    assert progress.health().state == "stuck", "from then on its event loop is to turn"


def test_a_worker_that_is_to_stop_drains_and_is_not_restarted_for_it(progress: Progress, clock: Clock) -> None:
    with progress.job("a"):
        progress.draining = True
        clock.now += 5000
        assert progress.health().state == "draining"


async def test_another_thread_sees_that_the_loop_is_blocked() -> None:
    progress = Progress(stuck_after_s=0.3)
    seen: list[str] = []
    progress.turned()
    threading.Timer(0.5, lambda: seen.append(progress.health().state)).start()
    time.sleep(0.7)  # noqa: ASYNC251 -- blocking the loop is the test
    assert seen == ["stuck"]
    progress.turned()
    await asyncio.sleep(0)
    assert progress.health().state == "idle"
