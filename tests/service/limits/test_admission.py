"""Calls of one process behind limits on a real database, answered by a real server."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from chains.models.admission import Asking, ProviderLimitReached
from chains.models.scope import CallScope, in_scope
from domain.errors import ProviderBadAnswer, ProviderRateLimited
from service.limits.errors import BudgetExhausted
from service.telemetry import metrics
from tests.service.limits.calling import call_for, calling
from tests.support.openai_stub import HTML, Behaviour, OpenAIStub, rate_limited

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.service.limits.calling import Caller

    Open = Callable[..., AbstractAsyncContextManager[Caller]]


@pytest.fixture
def opened(tmp_path: Path, database_url: str, stub: OpenAIStub) -> Open:
    """A caller; named are the provider's settings."""

    def start(**provider: Any) -> AbstractAsyncContextManager[Caller]:
        return calling(tmp_path, database_url, stub.url, provider)

    return start


async def test_without_limits_nobody_waits(opened: Open, stub: OpenAIStub) -> None:
    async with opened() as caller:
        await asyncio.gather(*(caller.call() for _ in range(40)))
    assert len(stub.requests) == 40


async def test_requests_a_minute_are_let_out_as_the_bucket_says(opened: Open, stub: OpenAIStub) -> None:
    async with opened(requests_per_minute=60, max_wait_s=30) as caller:
        began = time.monotonic()
        await asyncio.gather(*(caller.call() for _ in range(9)))
        took = time.monotonic() - began
    assert took + 0.05 > 3 / (55 / 62)  # six at once, then one in 62/55 s
    assert took < 8
    assert len(stub.requests) == 9


async def test_tokens_a_minute_count_prompt_and_answer_and_come_back_when_unused(
    opened: Open, stub: OpenAIStub
) -> None:
    stub.default = Behaviour(text="x")
    async with opened(tokens_per_minute=10_000, max_wait_s=0.3) as caller:
        await caller.call(max_tokens=990)  # asks for nearly all of the bucket's 1,000, and uses two
        await caller.call(max_tokens=990)
        with pytest.raises(ProviderLimitReached, match="10000 tokens a minute"):
            await asyncio.gather(*(caller.call(max_tokens=990) for _ in range(3)))


async def test_what_would_wait_too_long_is_refused_with_the_reason(opened: Open, stub: OpenAIStub) -> None:
    async with opened(requests_per_minute=10, max_wait_s=0.2) as caller:
        await caller.call()
        with pytest.raises(ProviderLimitReached, match="our own limit of 10 requests a minute") as refused:
            await caller.call()
    assert refused.value.retry_after_s == 0.2
    assert len(stub.requests) == 1


async def test_batches_wait_and_interactive_calls_go_first(opened: Open, stub: OpenAIStub) -> None:
    async with opened(requests_per_minute=60, max_wait_s=0.5) as caller:
        await asyncio.gather(*(caller.call() for _ in range(6)))

        async def batch(number: int) -> None:
            with in_scope(CallScope(priority="batch")):
                await caller.call(f"batch {number}")

        batches = [asyncio.create_task(batch(number)) for number in range(2)]
        await asyncio.sleep(0.7)  # longer than somebody would wait for an answer
        urgent = asyncio.create_task(_patient(caller))
        await asyncio.gather(urgent, *batches)
    assert [request.text for request in stub.requests[6:]] == ["urgent", "batch 0", "batch 1"]


async def _patient(caller: Caller) -> None:
    while True:
        try:
            await caller.call("urgent")
        except ProviderLimitReached:
            continue
        return


async def test_calls_in_flight_are_never_more_than_processes_share(opened: Open, stub: OpenAIStub) -> None:
    stub.default = Behaviour(delay_s=0.03)
    async with opened(shared_concurrency=3) as caller:
        await asyncio.gather(*(caller.call() for _ in range(20)))
    assert stub.most_in_flight == 3


async def test_a_provider_that_refuses_is_asked_less_and_then_little_by_little_again(
    opened: Open, stub: OpenAIStub
) -> None:
    stub.default = Behaviour(delay_s=0.01)
    async with opened(max_concurrency=16) as caller:
        calls = asyncio.create_task(call_for(caller, 7.0, 16))
        await asyncio.sleep(1.0)
        stub.default, refused_at = rate_limited("1"), time.monotonic()
        await asyncio.sleep(3.0)
        stub.default, well_at = Behaviour(delay_s=0.01), time.monotonic()
        outcomes = await calls
        window = caller.limits.admission.doors["openai"].pressure.places
    before = [request for request in stub.requests if request.at < refused_at]
    refused = [request for request in stub.requests if refused_at <= request.at < well_at]
    after = [request for request in stub.requests if request.at >= well_at]
    assert len(refused) < 32  # one round in flight, then half of it, then a quarter
    assert len(refused) / 3 < len(before) / 5
    assert len(after) > len(refused)
    assert window <= 16
    assert outcomes.count("ok") > 50


async def test_a_pause_is_told_to_whoever_comes_later(opened: Open, stub: OpenAIStub) -> None:
    stub.enqueue(rate_limited("30"))
    async with opened(requests_per_minute=6000, max_retries=0) as one:
        assert await call_for(one, 0.01, 1) == ["ProviderRateLimited"]
        await asyncio.sleep(0.3)
        async with opened(requests_per_minute=6000, max_wait_s=1.0) as other:
            with pytest.raises(ProviderLimitReached, match="the pause that the provider asked for") as refused:
                await other.call()
    assert refused.value.retry_after_s is not None
    assert 20 < refused.value.retry_after_s <= 36
    assert len(stub.requests) == 1


async def test_a_provider_that_gives_only_bad_answers_is_left_alone(opened: Open, stub: OpenAIStub) -> None:
    stub.default = HTML
    async with opened(max_concurrency=4) as caller:
        calls = [asyncio.create_task(_ask_as(caller, f"article {number}")) for number in range(12)]
        done, others = await asyncio.wait(calls, timeout=2.5)
        for call in others:
            call.cancel()
        await asyncio.gather(*others, return_exceptions=True)
    told = [error.retry_after_s for call in done if isinstance(error := call.exception(), ProviderBadAnswer)]
    assert len(told) == len(done) == len(stub.requests) <= 4 + 4  # those in flight, and one after each pause
    assert told.count(None) == 2  # the first two might have been the articles' fault
    assert max(filter(None, told)) >= 1


async def test_one_article_that_provokes_bad_answers_holds_up_nobody(opened: Open, stub: OpenAIStub) -> None:
    stub.default = HTML
    async with opened() as caller:
        for _ in range(8):
            with pytest.raises(ProviderBadAnswer) as refused:
                await _ask_as(caller, "poison")
            assert refused.value.retry_after_s is None
        paused = caller.limits.admission.doors["openai"].pressure.paused_s
    assert paused == 0


async def test_a_good_answer_between_bad_ones_shows_that_it_is_not_the_provider(opened: Open, stub: OpenAIStub) -> None:
    async with opened() as caller:
        for number in range(8):
            stub.enqueue(HTML, "a good answer")
            with pytest.raises(ProviderBadAnswer) as refused:
                await _ask_as(caller, f"article {number}")
            assert refused.value.retry_after_s is None
            await caller.call()


async def test_whoever_waits_for_an_answer_waits_no_longer_than_said_over_all_tries(
    opened: Open, stub: OpenAIStub
) -> None:
    stub.default = rate_limited()
    async with opened(max_wait_s=2.0, max_retries=5) as caller:
        began = time.monotonic()
        with pytest.raises(ProviderRateLimited) as refused:
            await caller.call()
        took = time.monotonic() - began
        paused_s = caller.limits.admission.doors["openai"].pressure.paused_s
    assert took < 4
    assert refused.value.retry_after_s == pytest.approx(paused_s, abs=0.5)
    assert paused_s > 1


async def _ask_as(caller: Caller, article: str) -> None:
    with in_scope(CallScope(priority="batch", asker=article)):
        await caller.call()


async def test_waits_and_pauses_are_measured(opened: Open, stub: OpenAIStub) -> None:
    async with opened(requests_per_minute=60) as caller:
        await asyncio.gather(*(caller.call() for _ in range(7)))
        shown = metrics.exposition()[0].decode()
    assert 'riddlewire_limit_wait_seconds_count{provider="openai"}' in shown
    assert 'riddlewire_provider_paused{provider="openai"} 0.0' in shown


async def test_waits_are_shown_from_the_first_call_on_also_where_none_waits(opened: Open) -> None:
    async with opened() as caller:
        provider = "never-waits"
        caller.limits.admission.admit(Asking(provider=provider, free=True, tokens=int))
        shown = metrics.exposition()[0].decode()
    assert f'riddlewire_limit_wait_seconds_bucket{{le="+Inf",provider="{provider}"}} 0.0' in shown


async def test_limits_work_for_several_event_loops(opened: Open, stub: OpenAIStub) -> None:
    async with opened(requests_per_minute=6000, shared_concurrency=4) as caller:

        def in_a_loop_of_its_own() -> None:
            async def several() -> None:
                await asyncio.gather(*(caller.call() for _ in range(5)))
                await caller.models.aclose()

            asyncio.run(several())

        await asyncio.gather(*(asyncio.to_thread(in_a_loop_of_its_own) for _ in range(3)))
    assert len(stub.requests) == 15


class NotOurs(Exception):
    """Somebody else has the work by now."""


async def _asked(stub: OpenAIStub, times: int) -> None:
    while len(stub.requests) < times:  # noqa: ASYNC110 -- there is nothing to wait on
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("limits", [{"max_concurrency": 1}, {"requests_per_minute": 60, "tokens_per_minute": 10_000}])
async def test_a_call_that_waited_at_the_door_is_not_made_for_work_that_others_have_by_then(
    opened: Open, stub: OpenAIStub, limits: dict[str, int]
) -> None:
    let_out, is_ours = max(1, limits.get("requests_per_minute", 0) // 10), True

    async def check() -> None:
        if not is_ours:
            raise NotOurs

    stub.default = Behaviour(delay_s=0.3)
    async with opened(**limits) as caller:
        with in_scope(CallScope(priority="batch", check=check)):
            calls = [asyncio.create_task(caller.call()) for _ in range(let_out + 2)]
            await _asked(stub, let_out)
            is_ours = False
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes[let_out:]] == [NotOurs, NotOurs]
        assert len(stub.requests) == let_out
        assert caller.limits.admission.doors["openai"].places.used == 0


async def test_a_further_try_is_not_made_for_work_that_others_have_by_then(opened: Open, stub: OpenAIStub) -> None:
    async def check() -> None:
        if stub.requests:
            raise NotOurs

    stub.enqueue(rate_limited("0.2"))
    async with opened() as caller:
        with in_scope(CallScope(priority="batch", check=check)), pytest.raises(NotOurs):
            await caller.call()
        assert caller.limits.admission.doors["openai"].places.used == 0
    assert len(stub.requests) == 1


@pytest.fixture
def poor(tmp_path: Path, database_url: str, stub: OpenAIStub) -> Open:
    """A caller whose budget one call spends; named are the provider's settings."""

    def start(**provider: Any) -> AbstractAsyncContextManager[Caller]:
        return calling(tmp_path, database_url, stub.url, provider, budgets={"daily_usd": 1e-9})

    return start


async def test_calls_that_waited_at_the_door_are_not_made_once_the_money_is_spent(poor: Open, stub: OpenAIStub) -> None:
    stub.default = Behaviour(delay_s=0.1)
    async with poor(max_concurrency=2) as caller:
        calls = [caller.call(model="openai:gpt-4o-mini") for _ in range(16)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert caller.limits.admission.doors["openai"].places.used == 0
    assert [type(outcome) for outcome in outcomes].count(BudgetExhausted) == 14
    assert len(stub.requests) == 2


async def test_a_further_try_is_not_made_once_the_money_is_spent(poor: Open, stub: OpenAIStub) -> None:
    stub.enqueue(Behaviour(status=500, headers={"Retry-After": "0.5"}), "of another call")
    async with poor() as caller:
        tried = asyncio.create_task(caller.call(model="openai:gpt-4o-mini"))
        await _asked(stub, 1)
        await caller.call(model="openai:gpt-4o-mini")
        with pytest.raises(BudgetExhausted):
            await tried
    assert len(stub.requests) == 2
