"""Jobs that met a spent daily budget, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select

from service.storage.batch_rows import Deferred
from service.storage.deferred_jobs import DeferredGroup, DeferredJobs
from service.storage.job_overview import job_overview
from service.storage.job_tables import job_calls, jobs
from service.storage.jobs import Superseded
from tests.service.storage.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from service.limits.errors import Budget
    from service.storage.jobs import StartedJob

TOMORROW = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=9)


class DeferringDesk(Desk):
    """One that puts jobs back as well."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.deferred = DeferredJobs(engine, self.writer)

    def defer(self, job: StartedJob, budget: Budget = "pipeline", until: datetime = TOMORROW) -> None:
        asyncio.run(self.deferred.adefer(job, budget=budget, until=until))

    def handed_over(self) -> int:
        return self.queue.hand_over(100, lambda *_: None, portion_size=8, at_most_waiting=100)


@pytest.fixture
def desk(engine: Engine) -> Iterator[DeferringDesk]:
    made = DeferringDesk(engine)
    yield made
    made.writer.close()


def test_a_deferred_job_is_queued_again_without_a_start_and_is_not_handed_over_until_it_is_resumed(
    desk: DeferringDesk,
) -> None:
    batch = desk.send("one", "two")
    first, second = desk.job_ids()
    assert desk.handed_over() == 2
    desk.defer(desk.started(first))
    assert desk.jobs.starts(first) == 0
    assert desk.handed_over() == 0
    assert desk.counts(batch) == {"queued": 2}
    (group,) = desk.deferred.groups()
    assert group == DeferredGroup(budget="pipeline", pipeline="p", key_id=None)
    assert desk.deferred.resume(group) == 1
    assert desk.deferred.groups() == ()
    assert desk.deferred.resume(group) == 0
    assert desk.handed_over() == 1
    for job_id in (first, second):
        desk.keep(desk.started(job_id))
    assert desk.batches.get(batch.id).status == "done"


def test_what_a_deferred_job_has_paid_for_stays_noted(desk: DeferringDesk) -> None:
    desk.send("one")
    job = desk.started(*desk.job_ids())
    row = {"job_id": job.id, "call_key": "k", "created_at": datetime.now(UTC), "answers": [{"text": "x"}]}
    with desk.engine.begin() as connection:
        connection.execute(insert(job_calls), row)
    desk.defer(job)
    with desk.engine.connect() as connection:
        assert len(connection.execute(select(job_calls)).all()) == 1


def test_a_start_that_was_taken_for_dead_defers_nothing(desk: DeferringDesk) -> None:
    batch = desk.send("one")
    (job_id,) = desk.job_ids()
    old, new = desk.started(job_id), desk.started(job_id)
    with pytest.raises(Superseded):
        desk.defer(old)
    assert desk.counts(batch) == {"running": 1}
    desk.keep(new)
    with pytest.raises(Superseded):
        desk.defer(new)


def test_a_batch_says_how_many_wait_for_whose_money_and_until_when_and_has_no_time_left(desk: DeferringDesk) -> None:
    batch = desk.send("one", "two", "three", "two", "four")
    ids = desk.job_ids()
    desk.keep(desk.started(ids[0]))
    desk.defer(desk.started(ids[1]), "pipeline", TOMORROW)
    desk.defer(desk.started(ids[2]), "all", TOMORROW - timedelta(hours=1))
    stored = desk.batches.get(batch.id)
    assert stored.counts.deferred == Deferred(count=3, budgets=("all", "pipeline"), until=TOMORROW)
    assert stored.eta_seconds() is None
    assert stored.status == "running"
    for group in desk.deferred.groups():
        desk.deferred.resume(group)
    stored = desk.batches.get(batch.id)
    assert stored.counts.deferred is None
    assert stored.eta_seconds() is not None


def test_only_the_group_that_has_money_goes_on(desk: DeferringDesk) -> None:
    desk.send("one")
    desk.send("two", pipeline="other")
    for job_id in desk.job_ids():
        desk.defer(desk.started(job_id))
    assert {group.pipeline for group in desk.deferred.groups()} == {"p", "other"}
    desk.deferred.resume(DeferredGroup(budget="pipeline", pipeline="other", key_id=None))
    assert [group.pipeline for group in desk.deferred.groups()] == ["p"]


def test_cancelling_ends_what_waits_for_money_and_retrying_leaves_it(desk: DeferringDesk) -> None:
    batch = desk.send("one", "two")
    first, second = desk.job_ids()
    desk.defer(desk.started(first))
    desk.fail(desk.started(second))
    assert desk.batches.retry(batch.id).counts.by_status == {"queued": 2}
    assert desk.handed_over() == 1
    cancelled = desk.batches.cancel(batch.id)
    assert cancelled.counts.by_status == {"cancelled": 1, "failed": 1}
    assert cancelled.counts.deferred is None
    assert cancelled.is_over
    assert desk.deferred.groups() == ()


def test_a_failed_article_that_is_run_again_has_not_waited_since_it_was_accepted(desk: DeferringDesk) -> None:
    batch = desk.send("one")
    desk.fail(desk.started(*desk.job_ids()))
    with desk.engine.begin() as connection:
        connection.execute(jobs.update().values(created_at=datetime.now(UTC) - timedelta(days=2)))
    desk.batches.retry(batch.id)
    waited_s = job_overview(desk.engine, dead_after_s=15).oldest_waiting_s
    assert waited_s is not None
    assert waited_s < 60


def test_an_article_of_a_key_without_money_is_not_shared_with_a_key_that_has_some(desk: DeferringDesk) -> None:
    desk.send("one", key_id="poor")
    desk.defer(desk.started(*desk.job_ids()), "key")
    desk.send("one", key_id="poor")
    assert len(desk.job_ids()) == 1
    desk.send("one", key_id="rich")
    assert len(desk.job_ids()) == 2


def test_waiting_for_money_is_told_apart_and_is_not_late_until_the_budget_starts_anew(desk: DeferringDesk) -> None:
    desk.send("one", "two")
    with desk.engine.begin() as connection:
        connection.execute(jobs.update().values(created_at=datetime.now(UTC) - timedelta(hours=20)))
    first, second = desk.job_ids()
    desk.defer(desk.started(first))
    running = desk.started(second)
    found = job_overview(desk.engine, dead_after_s=15)
    assert (found.waiting, found.deferred, found.running, found.oldest_waiting_s) == (1, 1, 1, None)
    desk.defer(running, until=datetime.now(UTC) - timedelta(seconds=90))
    found = job_overview(desk.engine, dead_after_s=15)
    assert (found.waiting, found.deferred) == (2, 2)
    assert found.oldest_waiting_s == pytest.approx(90, abs=10), "nobody let it go, and it could be begun"
    (group,) = desk.deferred.groups()
    desk.deferred.resume(group)
    found = job_overview(desk.engine, dead_after_s=15)
    assert (found.waiting, found.deferred) == (2, 0)
    assert found.oldest_waiting_s == pytest.approx(0, abs=10)
