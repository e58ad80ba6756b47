"""Answers that were given before: when they are given again, and when not."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from chains.models import ChatModels, ModelSettings, ProviderSettings
from chains.models.journal import Journal, journaled
from chains.models.names import ModelName
from chains.models.remembered import GivenAnswer, question_name
from chains.models.scope import CallScope, in_run, in_scope
from domain.errors import ProviderRateLimited, ProviderUnavailable
from domain.usage import Usage
from tests.chains.models.conftest import KEY
from tests.chains.models.test_journal import Paper
from tests.support.openai_stub import Behaviour, rate_limited

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from prompts.pipeline import StepSpec
    from tests.support.openai_stub import OpenAIStub

    MakeStep = Callable[..., StepSpec]

ASKED = [SystemMessage("be brief"), HumanMessage("hello")]
NOTHING = Usage(cost_usd=0.0)


@dataclass
class Shelf:
    """Keeps answers in memory, as a service's cache does in its database."""

    kept: dict[str, tuple[GivenAnswer, ...]] = field(default_factory=dict)

    async def find(self, question: str) -> tuple[GivenAnswer, ...] | None:
        return self.kept.get(question)

    async def keep(self, question: str, model: str, answers: Sequence[GivenAnswer]) -> None:
        self.kept[question] = tuple(answers)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def models(settings: ModelSettings, shelf: Shelf) -> ChatModels:
    return ChatModels(settings, cache=shelf)


async def test_the_same_question_in_another_run_is_not_asked_again_and_costs_nothing(
    models: ChatModels, stub: OpenAIStub, step: MakeStep
) -> None:
    stub.enqueue("first", "second")
    with in_run("one"):
        asked = await models.complete(step(), ASKED)
    with in_run("two"):
        again = await models.complete(step(), ASKED)
    assert (asked.text, asked.cached, asked.usage.calls) == ("first", False, 1)
    assert (again.text, again.cached, again.usage) == ("first", True, NOTHING)
    assert again.finish_reason == "stop"
    assert len(stub.requests) == 1


async def test_a_second_attempt_of_a_run_never_gets_the_first_ones_answer(
    models: ChatModels, stub: OpenAIStub, step: MakeStep
) -> None:
    stub.enqueue("first", "second")
    runs = []
    for _ in range(2):
        with in_run("one"):
            runs.append([(await models.complete(step(), ASKED)).text for _ in range(2)])
    assert runs == [["first", "second"]] * 2
    assert len(stub.requests) == 2


@pytest.mark.parametrize("fallbacks", [(), ("openai:b",)])
async def test_a_second_attempt_never_gets_the_first_ones_answer_in_work_that_is_done_over_either(
    models: ChatModels, stub: OpenAIStub, step: MakeStep, fallbacks: tuple[str, ...]
) -> None:
    paper, spec = Paper(), step("openai:a", fallbacks=fallbacks)
    stub.enqueue(*([rate_limited("99")] if fallbacks else []), "first")
    with journaled(Journal(paper)), in_run("one"):
        assert (await models.complete(spec, ASKED)).text == "first"
    stub.enqueue(*([rate_limited("99")] if fallbacks else []), "second")
    with journaled(Journal(paper)), in_run("one"):
        assert [(await models.complete(spec, ASKED)).text for _ in range(2)] == ["first", "second"]


async def test_candidates_are_remembered_together(models: ChatModels, stub: OpenAIStub, step: MakeStep) -> None:
    stub.enqueue("one", "two", "three")
    found = []
    for _ in range(2):
        with in_run("one"):
            found.append(sorted(answer.text for answer in await models.complete_many(step(), ASKED, 3)))
    assert found[0] == found[1] == ["one", "three", "two"]
    assert len(stub.requests) == 3


async def test_a_remembered_answer_is_streamed_in_one_piece(
    models: ChatModels, stub: OpenAIStub, step: MakeStep
) -> None:
    told: list[str] = []

    async def tell(text: str) -> None:
        told.append(text)

    stub.enqueue("a few words")
    with in_run("one"):
        await models.complete(step(), ASKED, on_delta=tell)
    told.clear()
    with in_run("two"):
        again = await models.complete(step(), ASKED, on_delta=tell)
    assert told == ["a few words"]
    assert again.streamed


@pytest.mark.parametrize("cache", ["off", "refresh"])
async def test_who_wants_a_fresh_answer_gets_one(
    models: ChatModels, stub: OpenAIStub, step: MakeStep, cache: Any
) -> None:
    stub.enqueue("old", "new")
    with in_run("one"):
        await models.complete(step(), ASKED)
    with in_scope(CallScope(cache=cache)), in_run("two"):
        assert (await models.complete(step(), ASKED)).text == "new"
    with in_run("three"):
        assert (await models.complete(step(), ASKED)).text == ("new" if cache == "refresh" else "old")


async def test_a_pipeline_may_say_that_nothing_is_remembered(
    models: ChatModels, stub: OpenAIStub, shelf: Shelf, step: MakeStep
) -> None:
    for _ in range(2):
        with in_run("one", caches=False):
            await models.complete(step(), ASKED)
    assert len(stub.requests) == 2
    assert shelf.kept == {}


async def test_nothing_is_remembered_outside_a_run(models: ChatModels, stub: OpenAIStub, step: MakeStep) -> None:
    for _ in range(2):
        await models.complete(step(), ASKED)
    assert len(stub.requests) == 2


@pytest.mark.parametrize("answer", [Behaviour(text=" "), Behaviour(text="cut", no_done=True)])
async def test_only_whole_answers_are_remembered(
    models: ChatModels, stub: OpenAIStub, shelf: Shelf, step: MakeStep, answer: Behaviour
) -> None:
    async def ignore(_: str) -> None: ...

    stub.enqueue(answer)
    with in_run("one"), suppress(ProviderUnavailable):  # a cut stream fails, a blank answer does not
        await models.complete(step(), ASKED, on_delta=ignore)
    assert shelf.kept == {}


async def test_a_failure_is_not_remembered(models: ChatModels, stub: OpenAIStub, step: MakeStep) -> None:
    stub.enqueue(rate_limited("99"), "well again")
    with in_run("one"), pytest.raises(ProviderRateLimited):
        await models.complete(step(), ASKED)
    with in_run("one"):
        assert (await models.complete(step(), ASKED)).text == "well again"


async def test_a_fallbacks_answer_is_remembered_as_the_fallbacks(
    models: ChatModels, stub: OpenAIStub, step: MakeStep
) -> None:
    stub.enqueue(rate_limited("99"), "of b", rate_limited("99"), "of a")
    spec = step("openai:a", fallbacks=("openai:b",))
    with in_run("one"):
        assert (await models.complete(spec, ASKED)).model == "openai:b"
    with in_run("two"):
        again = await models.complete(spec, ASKED)
    assert (again.text, again.model, again.cached) == ("of b", "openai:b", True)
    assert len(again.failed) == 1
    with in_run("three"):
        assert (await models.complete(spec, ASKED)).text == "of a"


async def test_what_is_asked_twice_at_once_is_asked_once(models: ChatModels, stub: OpenAIStub, step: MakeStep) -> None:
    stub.default = Behaviour(text="once", delay_s=0.1)

    async def run() -> bool:
        with in_run("one"):
            return (await models.complete(step(), ASKED)).cached

    assert sorted(await asyncio.gather(*(run() for _ in range(8)))) == [False] + [True] * 7
    assert len(stub.requests) == 1


async def test_when_the_one_that_asks_fails_the_others_ask_for_themselves_at_once(
    models: ChatModels, stub: OpenAIStub, step: MakeStep
) -> None:
    stub.enqueue(Behaviour(status=400, delay_s=0.1))
    stub.default = Behaviour(text="well", delay_s=0.1)

    async def run() -> str:
        with in_run("one"):
            return (await models.complete(step(), ASKED)).text

    begun = asyncio.get_running_loop().time()
    answers = await asyncio.gather(*(run() for _ in range(6)), return_exceptions=True)
    assert sorted(str(answer) for answer in answers)[-5:] == ["well"] * 5
    assert asyncio.get_running_loop().time() - begun < 0.6  # not one after another


async def test_who_waits_for_an_answer_does_not_wait_for_a_batch_that_asks_the_same(
    models: ChatModels, stub: OpenAIStub, step: MakeStep
) -> None:
    stub.enqueue(Behaviour(hang=True), "at once")

    async def run(scope: CallScope) -> str:
        with in_scope(scope), in_run("one"):
            return (await models.complete(step(), ASKED)).text

    batch = asyncio.create_task(run(CallScope(priority="batch")))
    while not stub.requests:  # noqa: ASYNC110 -- the stub runs in another thread
        await asyncio.sleep(0.01)
    assert await run(CallScope()) == "at once"
    batch.cancel()


async def test_one_that_is_cancelled_does_not_take_the_others_with_it(
    models: ChatModels, stub: OpenAIStub, step: MakeStep
) -> None:
    stub.default = Behaviour(text="well", delay_s=0.1)

    async def run() -> str:
        with in_run("one"):
            return (await models.complete(step(), ASKED)).text

    first, second = asyncio.create_task(run()), asyncio.create_task(run())
    await asyncio.sleep(0.05)
    first.cancel()
    assert await second == "well"


def name(settings: ModelSettings, model: str = "openai:x", n: int = 1, text: str = "hello", **arguments: Any) -> str:
    return question_name(settings, ModelName.parse(model), arguments, [HumanMessage(text)], n)


def test_whatever_can_change_the_answer_changes_the_question() -> None:
    settings = ModelSettings(providers={"openai": ProviderSettings(base_url="http://a.example/v1")})
    elsewhere = ModelSettings(providers={"openai": ProviderSettings(base_url="http://b.example/v1")})
    names = [
        name(settings),
        name(settings, "openai:y"),
        name(settings, n=2),
        name(settings, text="hello!"),
        name(settings, seed=1),
        name(settings, seed=2),
        name(settings, temperature=0.0),
        name(settings, stop=["x"]),
        name(settings, grammar="root ::= x"),
        name(settings, adapter="riddles"),
        name(elsewhere),
        question_name(settings, ModelName.parse("openai:x"), {}, [SystemMessage("hello")], 1),
    ]
    assert len(set(names)) == len(names)


def test_keys_and_time_limits_do_not_change_the_question() -> None:
    settings = ModelSettings(providers={"openai": ProviderSettings(base_url="http://a.example/v1")})
    rich = ModelSettings(
        providers={"openai": ProviderSettings(base_url="http://a.example/v1", api_key=KEY, max_retries=9)}
    )
    assert name(settings) == name(rich) == name(settings, timeout=1.0)
    assert name(settings, seed=1, temperature=0.5) == name(settings, temperature=0.5, seed=1)


def test_an_adapter_trained_anew_under_its_old_name_is_another_question(tmp_path: Path) -> None:
    adapter = tmp_path / "mine.gguf"
    adapter.write_bytes(b"one")
    settings = ModelSettings()
    settings = replace(settings, engine=replace(settings.engine, adapters={"mine": adapter}))
    before = name(settings, "embedded:/nowhere.gguf", adapter="mine")
    assert before == name(settings, "embedded:/nowhere.gguf", adapter="mine")
    adapter.write_bytes(b"another")
    assert before != name(settings, "embedded:/nowhere.gguf", adapter="mine")
