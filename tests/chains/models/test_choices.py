"""Several answers to one prompt: by one call where the service can, else by several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from langchain_core.messages import HumanMessage

from chains.models import ChatModels, EngineSettings, ModelSettings
from chains.models.openai_compatible import OpenAICompatibleChat
from domain.errors import ProviderBadAnswer, ProviderUnavailable
from tests.support.openai_stub import Behaviour

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from prompts.pipeline import StepSpec
    from tests.support.openai_stub import OpenAIStub

    MakeStep = Callable[..., StepSpec]

HELLO = [HumanMessage("hello there")]
NAME = "embedded:smollm2-135m-instruct"


@pytest.fixture
def several(models: ChatModels) -> ChatModels:
    """The models, of which `openai:stub` gives up to four answers to a call."""
    chat = models.get("openai:stub")
    assert isinstance(chat, OpenAICompatibleChat)
    chat.most_choices = 4
    return models


@pytest.fixture
async def embedded() -> AsyncIterator[ChatModels]:
    models = ChatModels(ModelSettings(engine=EngineSettings(parallel=3, context=512)))
    yield models
    await models.aclose()


async def test_one_call_gives_all_answers_and_counts_the_prompt_once(
    several: ChatModels, stub: OpenAIStub, step: MakeStep
) -> None:
    stub.enqueue("one two three")
    answers = await several.complete_many(step(), HELLO, 3)
    assert len(stub.requests) == 1
    assert stub.last.body["n"] == 3
    assert [answer.text for answer in answers] == ["one two three"] * 3
    assert [answer.finish_reason for answer in answers] == ["stop"] * 3
    first, *others = [answer.usage for answer in answers]
    assert (first.input_tokens, first.output_tokens, first.calls) == (2, 9, 1)
    assert all((usage.input_tokens, usage.output_tokens, usage.calls) == (0, 0, 0) for usage in others)


async def test_only_the_first_answer_is_told_as_it_comes(several: ChatModels, stub: OpenAIStub, step: MakeStep) -> None:
    pieces: list[str] = []

    async def keep(piece: str) -> None:
        pieces.append(piece)

    stub.enqueue("one two three")
    answers = await several.complete_many(step(), HELLO, 2, on_delta=keep)
    assert "".join(pieces) == "one two three"
    assert [answer.streamed for answer in answers] == [True, False]


async def test_a_service_that_gives_one_is_called_once_for_each(
    models: ChatModels, stub: OpenAIStub, step: MakeStep
) -> None:
    answers = await models.complete_many(step(seed=5), HELLO, 3)
    assert len(answers) == 3
    assert sorted(request.body["seed"] for request in stub.requests) == [5, 6, 7]
    assert all("n" not in request.body for request in stub.requests)
    assert sum(answer.usage.calls for answer in answers) == 3


async def test_of_more_than_the_service_gives_each_is_asked_for_alone(
    several: ChatModels, stub: OpenAIStub, step: MakeStep
) -> None:
    assert len(await several.complete_many(step(), HELLO, 5)) == 5
    assert len(stub.requests) == 5


async def test_calls_that_fail_leave_the_others_and_only_then_a_fallback_answers(
    models: ChatModels, stub: OpenAIStub, step: MakeStep
) -> None:
    refused = Behaviour(status=400, message="no")
    stub.enqueue(refused, "fine", refused)
    assert [answer.text for answer in await models.complete_many(step(), HELLO, 3)] == ["fine"]
    stub.enqueue(refused, refused, "spare", "spare")
    answers = await models.complete_many(step(fallbacks=("openai:other",)), HELLO, 2)
    assert [answer.model for answer in answers] == ["openai:other"] * 2


async def test_a_stream_that_is_cut_is_no_answer(several: ChatModels, stub: OpenAIStub, step: MakeStep) -> None:
    stub.enqueue(Behaviour(text="one two three four", cut_after=2))
    with pytest.raises(ProviderUnavailable):
        await several.complete_many(step(), HELLO, 2)


@pytest.mark.parametrize(
    "piece",
    [
        b'{"choices": []}',
        b'{"choices": 5}',
        b'{"choices": ["x"]}',
        b'{"choices": [{"index": [1], "delta": {"content": "x"}}]}',
        b'{"choices": [{"index": 0, "delta": {"content": "x"}}, {"index": "1", "delta": {"content": "y"}}]}',
    ],
)
async def test_nonsense_is_no_answer(several: ChatModels, stub: OpenAIStub, step: MakeStep, piece: bytes) -> None:
    stub.enqueue(Behaviour(body=b"data: " + piece + b"\n\ndata: [DONE]\n\n", content_type="text/event-stream"))
    with pytest.raises(ProviderBadAnswer):
        await several.complete_many(step(), HELLO, 2)


@pytest.mark.model
async def test_the_embedded_engine_reads_the_prompt_once(embedded: ChatModels, step: MakeStep) -> None:
    question = [HumanMessage("Tell me a story about a fox and a crow. " * 6)]
    spec = step(NAME, max_tokens=12, temperature=0.9, timeout_s=60, seed=3, extra={"ignore_eos": True})
    answers = await embedded.complete_many(spec, question, 3)
    assert len({answer.text for answer in answers}) == 3
    usage = answers[0].usage
    assert usage.output_tokens == 36
    assert usage.input_tokens == (await embedded.complete(spec, question)).usage.input_tokens
