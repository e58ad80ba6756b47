"""What an admission of a service is told of every call."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from langchain_core.messages import HumanMessage

from chains.models import ChatModels, ModelSettings
from chains.models.admission import ProviderLimitReached
from chains.models.scope import CallScope, current_scope, in_run, in_scope
from tests.chains.kitchen import ARTICLE, GOOD, SUMMARY, open_kitchen
from tests.support.openai_stub import Behaviour, rate_limited

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from chains.models.admission import Asking
    from domain.errors import ProviderError
    from domain.usage import Usage
    from prompts.pipeline import StepSpec
    from retrievers import Examples
    from tests.support.openai_stub import OpenAIStub

    MakeStep = Callable[..., StepSpec]

ASKED = [HumanMessage("hello there")]


@dataclass
class Watching:
    """An admission that lets everything out and notes what it is told."""

    told: list[str] = field(default_factory=list)
    asked: list[Asking] = field(default_factory=list)
    used: list[Usage] = field(default_factory=list)
    scopes: list[CallScope] = field(default_factory=list)
    refuses_again: bool = False
    left_s: float | None = None

    @asynccontextmanager
    async def admit(self, asking: Asking) -> AsyncIterator[Watching]:
        self.asked.append(asking)
        self.scopes.append(current_scope())
        self.told.append("in")
        try:
            yield self
        finally:
            self.told.append("out")

    async def again(self) -> None:
        self.told.append("again")
        if self.refuses_again:
            raise ProviderLimitReached("openai", "its turn", retry_after_s=0.1)

    def failed(self, error: ProviderError) -> None:
        self.told.append(type(error).__name__)

    def answered(self, usage: Usage) -> None:
        self.told.append("answered")
        self.used.append(usage)


@pytest.fixture
def watching() -> Watching:
    return Watching()


@pytest.fixture
def models(settings: ModelSettings, watching: Watching) -> ChatModels:
    return ChatModels(settings, admission=watching)


@pytest.mark.parametrize("streaming", [False, True])
async def test_every_try_passes_the_admission(
    models: ChatModels, watching: Watching, stub: OpenAIStub, step: MakeStep, streaming: bool
) -> None:
    async def ignore(_: str) -> None: ...

    stub.enqueue(rate_limited(), rate_limited("0"), "well")
    await models.complete(step(), ASKED, on_delta=ignore if streaming else None)
    limited = "ProviderRateLimited"
    assert watching.told == ["in", limited, "again", limited, "again", "answered", "out"]


async def test_a_try_that_is_refused_ends_the_call(
    models: ChatModels, watching: Watching, stub: OpenAIStub, step: MakeStep
) -> None:
    watching.refuses_again = True
    stub.enqueue(rate_limited("0"))
    with pytest.raises(ProviderLimitReached):
        await models.complete(step(), ASKED)
    assert len(stub.requests) == 1
    assert watching.told.count("again") == 1  # what is refused here is not tried again here


async def test_what_a_call_used_is_told_with_its_price(
    models: ChatModels, watching: Watching, stub: OpenAIStub, step: MakeStep
) -> None:
    completion = await models.complete(step("openai:gpt-4o-mini"), ASKED)
    assert watching.used == [completion.usage]
    assert completion.usage.cost_usd
    (asked,) = watching.asked
    assert (asked.provider, asked.free) == ("openai", False)
    assert asked.tokens() == 64 + 4  # max_tokens, and a token for every 3 bytes of the prompt


async def test_a_call_of_known_price_nothing_is_free_and_one_of_unknown_price_is_not(
    models: ChatModels, watching: Watching, step: MakeStep
) -> None:
    from chains.models.scripted import ScriptedChatModel

    models.put("embedded:mine", ScriptedChatModel(always="x"))
    await models.complete(step("embedded:mine"), ASKED)
    await models.complete(step("openai:nobody-knows"), ASKED)
    assert [asked.free for asked in watching.asked] == [True, False]


async def test_several_calls_for_candidates_pass_one_by_one(
    models: ChatModels, watching: Watching, step: MakeStep
) -> None:
    await models.complete_many(step(), ASKED, 3)
    assert watching.told.count("in") == watching.told.count("answered") == 3


async def test_a_run_tells_its_calls_on_whose_account_they_are_made(
    tmp_path: Path, shipped_examples: Examples, models: ChatModels, watching: Watching
) -> None:
    kitchen = open_kitchen(tmp_path, shipped_examples, models=models)
    kitchen.summarizer.enqueue(SUMMARY)
    kitchen.riddler.enqueue(GOOD)
    with in_scope(CallScope(priority="batch", key_id="4f1c")):
        await kitchen.pipeline.ainvoke(ARTICLE)
    accounts = {(scope.priority, scope.key_id, scope.pipeline) for scope in watching.scopes}
    assert accounts == {("batch", "4f1c", "kitchen")}
    assert current_scope() == CallScope()


async def test_a_run_counts_its_questions_anew() -> None:
    with in_run("one"):
        asked = current_scope().asked
        assert asked is not None
        asked["x"] += 1
        with in_run("two"):
            assert not current_scope().asked


class NotOurs(Exception):
    """Somebody else has the work by now."""


@dataclass
class Work:
    """What a run does, until others have it."""

    is_ours: bool = True

    async def check(self) -> None:
        if not self.is_ours:
            raise NotOurs


async def asked(stub: OpenAIStub, times: int) -> None:
    """Once it was asked so often."""
    while len(stub.requests) < times:  # noqa: ASYNC110 -- there is nothing to wait on
        await asyncio.sleep(0.01)


async def test_a_call_that_waited_for_its_place_is_not_made_for_work_that_others_have_by_then(
    settings: ModelSettings, stub: OpenAIStub, step: MakeStep
) -> None:
    one_at_once = replace(settings.provider("openai"), max_concurrency=1)
    models = ChatModels(replace(settings, providers={"openai": one_at_once}))
    work = Work()
    stub.default = Behaviour(delay_s=0.2)
    with in_scope(CallScope(check=work.check)):
        calls = [asyncio.create_task(models.complete(step(), ASKED)) for _ in range(3)]
        await asked(stub, 1)
        work.is_ours = False
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes[1:]] == [NotOurs, NotOurs]
    assert len(stub.requests) == 1
    await models.complete(step(), ASKED)  # they have left their place
    await models.aclose()


async def test_a_further_try_is_not_made_for_work_that_others_have_by_then(
    settings: ModelSettings, stub: OpenAIStub, step: MakeStep
) -> None:
    work = Work()
    models = ChatModels(settings)
    stub.enqueue(rate_limited("0.3"))
    with in_scope(CallScope(check=work.check)):
        call = asyncio.create_task(models.complete(step(), ASKED))
        await asked(stub, 1)
        work.is_ours = False
        with pytest.raises(NotOurs):
            await call
    assert len(stub.requests) == 1
    await models.aclose()
