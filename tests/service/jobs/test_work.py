"""What one process does with its jobs, with a pipeline that misbehaves as told, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import structlog.testing

from domain.errors import ProviderUnavailable
from service.jobs.deferring import Deferring
from service.jobs.engine import Postponed
from service.jobs.work import MOST_STARTS, SUSPECT_AFTER
from service.limits.errors import BudgetExhausted
from service.storage.batch_rows import Deferred
from service.storage.jobs import Superseded
from tests.service.jobs.work_lab import BATCH, Lab, Pipeline, begun, good, mine

if TYPE_CHECKING:
    from chains.models.scope import CallScope
    from domain import Article, Riddle


async def test_a_portion_is_done_when_all_its_jobs_are_and_no_more_at_once_than_there_are_slots(lab: Lab) -> None:
    pipeline = Pipeline(good)
    ids = lab.send(7)
    await lab.work(pipeline, slots=3).do(ids, mine)
    assert lab.counts() == {"published": 7}
    assert 1 < pipeline.most_at_once <= 3
    await lab.work(pipeline).do(ids, mine)  # it comes again after a crash: nothing is left to do
    assert lab.counts() == {"published": 7}


async def test_a_process_that_is_to_stop_waits_for_no_provider_and_the_start_does_not_count(lab: Lab) -> None:
    async def down(_: Article) -> Riddle:
        raise ProviderUnavailable("p", "down")

    (job_id,) = lab.send(1)
    for _ in range(MOST_STARTS + 2):
        work = lab.work(Pipeline(down))
        doing = asyncio.create_task(work.do([job_id], mine))
        await begun(work)
        await work.finish(10)
        with pytest.raises(Postponed):
            await doing
        assert lab.stores.jobs.starts(job_id) == 0
    await lab.work(Pipeline(good)).do([job_id], mine)
    assert lab.counts() == {"published": 1}


async def test_what_was_still_running_when_the_time_was_over_does_not_count_as_a_death_either(lab: Lab) -> None:
    async def slow(_: Article) -> Riddle:
        await asyncio.Event().wait()
        raise AssertionError

    (job_id,) = lab.send(1)
    work = lab.work(Pipeline(slow))
    doing = asyncio.create_task(work.do([job_id], mine))
    await begun(work)
    await work.finish(0.05)
    assert lab.stores.jobs.starts(job_id) == 0
    doing.cancel()
    await asyncio.gather(doing, return_exceptions=True)


async def test_what_fails_after_the_time_was_over_is_let_go_once_and_not_run_again_here(lab: Lab) -> None:
    gone = asyncio.Event()

    async def closed(_: Article) -> Riddle:
        await gone.wait()
        raise ProviderUnavailable("p", "its engine has ended")

    (job_id,) = lab.send(1)
    work = lab.work(Pipeline(closed))
    with structlog.testing.capture_logs() as told:
        doing = asyncio.create_task(work.do([job_id], mine))
        await begun(work)
        await work.finish(0.05)
        gone.set()
        with pytest.raises(Postponed):
            await doing
    assert lab.stores.jobs.starts(job_id) == 0
    assert [line["event"] for line in told] == ["jobs were still running at shutdown; they will be done over"]


async def test_what_may_have_killed_workers_runs_beside_no_other_such_job_and_is_given_up_in_the_end(lab: Lab) -> None:
    ids = lab.send(3)
    for _ in range(SUSPECT_AFTER):
        for job_id in ids:
            await lab.stores.jobs.abegin(job_id, "dead")
    pipeline = Pipeline(good)
    await lab.work(pipeline).do(ids[:2], mine)
    assert pipeline.most_at_once == 1
    for _ in range(MOST_STARTS - SUSPECT_AFTER):
        await lab.stores.jobs.abegin(ids[2], "dead")
    await lab.work(pipeline).do(ids, mine)
    assert lab.counts() == {"published": 2, "failed": 1}
    (failed,) = [item for item in lab.batches.items(BATCH) if item.error]
    assert f"died each of {MOST_STARTS} times" in str(failed.error)


async def test_a_job_whose_making_fails_for_no_known_reason_says_so_and_keeps_no_other_back(lab: Lab) -> None:
    async def broken(article: Article) -> Riddle:
        if article.text == "text 1":
            raise KeyError("oops")
        return await good(article)

    await lab.work(Pipeline(broken)).do(lab.send(3), mine)
    assert lab.counts() == {"published": 2, "failed": 1}


async def test_an_article_that_meets_a_spent_budget_frees_its_slot_and_waits_and_the_others_get_on(lab: Lab) -> None:
    midnight = datetime(2026, 12, 1, tzinfo=UTC)

    async def poor(article: Article) -> Riddle:
        if article.text != "text 1":
            raise BudgetExhausted("all", "", limit_usd=1, spent_usd=1, resets_at=midnight, retry_after_s=60)
        return await good(article)

    ids = lab.send(3)
    work = lab.work(Pipeline(poor), slots=1)
    for _ in range(MOST_STARTS + 1):  # however often it comes back: no start of it counts
        await work.do(ids, mine)
    assert work.running == 0
    assert lab.counts() == {"published": 1, "queued": 2}
    assert lab.batches.get(BATCH).counts.deferred == Deferred(count=2, budgets=("all",), until=midnight)
    await lab.work(Pipeline(good)).do(ids, mine)
    assert lab.counts() == {"published": 3}


async def test_deferred_articles_go_on_when_no_budget_refuses_them_any_more(lab: Lab) -> None:
    refused = BudgetExhausted("key", "k", limit_usd=1, spent_usd=1, resets_at=datetime.now(UTC), retry_after_s=0)
    money: dict[str, BudgetExhausted | None] = {"p": refused}
    asked: list[CallScope] = []

    async def poor(_: Article) -> Riddle:
        raise refused

    async def refusal(scope: CallScope) -> BudgetExhausted | None:
        asked.append(scope)
        return money[scope.pipeline or ""]

    await lab.work(Pipeline(poor)).do(lab.send(3), mine)
    news: list[None] = []
    deferring = Deferring(lab.stores.deferred, refusal, lambda: news.append(None))
    assert await deferring.resume() == 0
    assert (len(asked), news) == (1, []), "one look at the budgets tells of all that is alike"
    money["p"] = None
    assert await deferring.resume() == 3
    assert news == [None]
    assert await deferring.resume() == 0
    assert len(asked) == 2, "where nothing is deferred the budgets are not asked"


async def test_a_portion_that_is_somebody_elses_by_now_is_not_begun(lab: Lab) -> None:
    async def not_mine() -> bool:
        return False

    ids = lab.send(2)
    work = lab.work(Pipeline(good))
    work._doubts = lambda _: True
    await work.do(ids, not_mine)
    assert lab.counts() == {"queued": 2}
    await work.do(ids, mine)
    assert lab.counts() == {"published": 2}


async def test_a_job_that_stands_in_two_portions_is_begun_once_and_takes_one_slot(lab: Lab) -> None:
    made: list[str] = []
    last_has_a_slot = asyncio.Event()

    async def noted(article: Article) -> Riddle:
        made.append(article.text)
        if article.text == "text 2":
            last_has_a_slot.set()
        await asyncio.wait_for(last_has_a_slot.wait(), 30)
        return await good(article)

    ids = lab.send(3)
    work = lab.work(Pipeline(noted), slots=3)
    await asyncio.gather(work.do(ids[:2], mine), work.do(ids[:2], mine), work.do(ids[2:], mine))
    assert sorted(made) == ["text 0", "text 1", "text 2"]
    assert lab.counts() == {"published": 3}


async def test_a_second_start_does_what_the_first_one_has_left(lab: Lab) -> None:
    starts: list[str] = []

    async def once_poor(article: Article) -> Riddle:
        starts.append(article.text)
        await asyncio.sleep(0.05)
        if len(starts) == 1:
            raise BudgetExhausted("all", "", limit_usd=1, spent_usd=1, resets_at=datetime.now(UTC), retry_after_s=0)
        return await good(article)

    ids = lab.send(1)
    work = lab.work(Pipeline(once_poor))
    await asyncio.gather(work.do(ids, mine), work.do(ids, mine))
    assert len(starts) == 2
    assert lab.counts() == {"published": 1}


async def test_what_is_left_of_a_run_that_has_ended_may_ask_no_model(lab: Lab) -> None:
    (job_id,) = lab.send(1)
    old = await lab.stores.jobs.abegin(job_id, "w1")
    assert old is not None
    work = lab.work(Pipeline(good))
    await work._check(old)
    await work.do([job_id], mine)
    with pytest.raises(Superseded):
        await work._check(old)
