"""`ChatModels`: opening by name, and calling for a step."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda

from chains.models import ChatModels, ModelSettings, ProviderSettings
from chains.models.openai_compatible import OpenAICompatibleChat
from domain.errors import (
    MissingApiKey,
    NotFound,
    ProviderBadAnswer,
    ProviderError,
    ProviderRateLimited,
    ProviderTimedOut,
    ProviderUnavailable,
    UnknownModelName,
)
from tests.support.openai_stub import NONSENSE, Behaviour, OpenAIStub

if TYPE_CHECKING:
    from collections.abc import Callable

    from chains.models.scripted import ScriptedChatModel
    from prompts.pipeline import StepSpec

    MakeStep = Callable[..., StepSpec]

HELLO = [HumanMessage("hello you")]


def scripted(models: ChatModels, name: str = "scripted:one") -> ScriptedChatModel:
    model: Any = models.get(name)
    return model  # type: ignore[no-any-return]


def test_a_model_is_opened_once_also_by_many_threads(settings: ModelSettings) -> None:
    models = ChatModels(settings)
    seen: list[object] = []
    threads = [threading.Thread(target=lambda: seen.append(models.get("openai:stub"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(model) for model in seen}) == 1
    assert isinstance(seen[0], OpenAICompatibleChat)


def test_a_provider_with_an_address_is_openai_compatible_whatever_its_name(stub: OpenAIStub) -> None:
    models = ChatModels(ModelSettings(providers={"vllm": ProviderSettings(base_url=stub.url)}))
    stub.enqueue("from vllm")
    assert models.get("vllm:Qwen/Qwen3-8B").invoke("hi").content == "from vllm"
    assert stub.last.body["model"] == "Qwen/Qwen3-8B"
    assert "Authorization" not in stub.last.headers


def test_openai_without_a_key_says_which_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(MissingApiKey, match="OPENAI_API_KEY"):
        ChatModels().get("openai:gpt-4o-mini")


def test_a_key_from_the_environment_is_never_sent_to_another_address(
    monkeypatch: pytest.MonkeyPatch, stub: OpenAIStub
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-real-0123456789")
    models = ChatModels(ModelSettings(providers={"openai": ProviderSettings(base_url=stub.url)}))
    models.get("openai:stub").invoke("hi")
    assert "Authorization" not in stub.last.headers


def test_a_provider_nobody_knows_is_refused() -> None:
    with pytest.raises(UnknownModelName, match="oracle"):
        ChatModels().get("oracle:delphi")


def test_a_provider_whose_package_is_missing_is_refused_with_the_install_command() -> None:
    with pytest.raises(UnknownModelName, match="pip install langchain-cohere"):
        ChatModels().get("cohere:command")


def test_a_model_of_ones_own_answers_to_its_name(models: ChatModels) -> None:
    from langchain_core.language_models import FakeListChatModel

    models.put("mine:fake", FakeListChatModel(responses=["mine"]))
    assert models.get("mine:fake").invoke("hi").content == "mine"


async def test_a_completion_has_text_usage_cost_model_and_reason(
    models: ChatModels, stub: OpenAIStub, step: MakeStep
) -> None:
    stub.enqueue("one two three")
    completion = await models.complete(step("openai:gpt-4o-mini"), HELLO)
    assert completion.text == "one two three"
    assert completion.model == "openai:gpt-4o-mini"
    assert completion.finish_reason == "stop"
    assert (completion.usage.input_tokens, completion.usage.output_tokens, completion.usage.cached_tokens) == (2, 3, 1)
    assert completion.usage.cost_usd == pytest.approx((0.15 + 0.075 + 3 * 0.6) / 1e6)


async def test_the_cost_of_a_model_without_a_price_is_unknown(
    models: ChatModels, stub: OpenAIStub, step: MakeStep
) -> None:
    assert (await models.complete(step("openai:house-brand"), HELLO)).usage.cost_usd is None


async def test_usage_is_estimated_where_none_is_reported(models: ChatModels, stub: OpenAIStub, step: MakeStep) -> None:
    body = b'{"choices": [{"index": 0, "message": {"role": "assistant", "content": "abcdef"}}]}'
    stub.enqueue(Behaviour(body=body))
    usage = (await models.complete(step(), HELLO)).usage
    assert (usage.input_tokens, usage.output_tokens, usage.calls) == (3, 2, 1)


@pytest.mark.parametrize("streaming", [False, True])
async def test_settings_of_the_step_reach_the_service(
    models: ChatModels, stub: OpenAIStub, step: MakeStep, streaming: bool
) -> None:
    async def ignore(_: str) -> None: ...

    wanted = {"temperature": 0.3, "top_p": 0.8, "seed": 5, "extra": {"top_k": 7}, "grammar": "riddle"}
    spec = step(stop=("###",), **wanted)
    await models.complete(spec, HELLO, on_delta=ignore if streaming else None)
    body = stub.last.body
    sent = {key: body.get(key) for key in ("temperature", "top_p", "seed", "top_k", "stop", "max_tokens")}
    assert sent == {"temperature": 0.3, "top_p": 0.8, "seed": 5, "top_k": 7, "stop": ["###"], "max_tokens": 64}
    assert "grammar" not in body
    assert "timeout" not in body


async def test_deltas_add_up_to_the_text(models: ChatModels, stub: OpenAIStub, step: MakeStep) -> None:
    pieces: list[str] = []

    async def keep(piece: str) -> None:
        pieces.append(piece)

    stub.enqueue("one two three")
    completion = await models.complete(step(), HELLO, on_delta=keep)
    assert len(pieces) == 3
    assert "".join(pieces) == completion.text == "one two three"
    assert completion.usage.output_tokens == 3


async def test_a_fallback_answers_and_what_failed_is_told(models: ChatModels, stub: OpenAIStub, step: MakeStep) -> None:
    stub.enqueue(Behaviour(status=400), NONSENSE, "the third")
    completion = await models.complete(step("openai:a", fallbacks=("openai:b", "openai:c")), HELLO)
    assert completion.text == "the third"
    assert completion.model == "openai:c"
    assert [type(error) for error in completion.failed] == [ProviderBadAnswer, ProviderBadAnswer]


async def test_the_last_failure_is_raised_with_the_earlier_ones_noted(
    models: ChatModels, stub: OpenAIStub, step: MakeStep
) -> None:
    stub.enqueue(Behaviour(status=400, message="first"), Behaviour(status=404, message="second"))
    with pytest.raises(ProviderBadAnswer, match="second") as caught:
        await models.complete(step("openai:a", fallbacks=("openai:b",)), HELLO)
    assert "first" in caught.value.__notes__[0]


async def test_no_fallback_takes_over_once_text_was_shown(models: ChatModels, stub: OpenAIStub, step: MakeStep) -> None:
    async def ignore(_: str) -> None: ...

    stub.enqueue(Behaviour(text="one two three", cut_after=1), "another")
    with pytest.raises(ProviderUnavailable):
        await models.complete(step("openai:a", fallbacks=("openai:b",)), HELLO, on_delta=ignore)
    assert len(stub.requests) == 1


async def test_a_fallback_that_cannot_be_opened_is_passed_over(
    models: ChatModels, stub: OpenAIStub, step: MakeStep
) -> None:
    stub.enqueue(Behaviour(status=400), "the third")
    completion = await models.complete(step("openai:a", fallbacks=("oracle:delphi", "openai:c")), HELLO)
    assert completion.model == "openai:c"


async def test_a_step_whose_own_model_cannot_be_opened_is_a_configuration_error(
    models: ChatModels, step: MakeStep
) -> None:
    with pytest.raises(UnknownModelName):
        await models.complete(step("oracle:delphi", fallbacks=("openai:b",)), HELLO)


async def test_an_error_of_the_listener_is_its_own(models: ChatModels, stub: OpenAIStub, step: MakeStep) -> None:
    async def broken(_: str) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await models.complete(step("openai:a", fallbacks=("openai:b",)), HELLO, on_delta=broken)
    assert len(stub.requests) == 1


async def test_no_more_calls_are_in_flight_than_a_provider_allows(stub: OpenAIStub, step: MakeStep) -> None:
    stub.default = Behaviour(delay_s=0.05)
    models = ChatModels(ModelSettings(providers={"openai": ProviderSettings(base_url=stub.url, max_concurrency=3)}))
    await asyncio.gather(*(models.complete(step(), HELLO) for _ in range(12)))
    assert stub.most_in_flight == 3
    await models.aclose()


def test_one_object_serves_several_loops(settings: ModelSettings, stub: OpenAIStub, step: MakeStep) -> None:
    models = ChatModels(settings)

    async def one() -> str:
        answers = await asyncio.gather(*(models.complete(step(), HELLO) for _ in range(4)))
        return answers[0].model

    assert asyncio.run(one()) == asyncio.run(one()) == "openai:stub"


async def test_the_steps_time_limit_holds(models: ChatModels, stub: OpenAIStub, step: MakeStep) -> None:
    stub.enqueue(*[Behaviour(hang=True)] * 3)
    with pytest.raises(ProviderTimedOut):
        await models.complete(step(timeout_s=0.1), HELLO)


async def test_the_time_limit_holds_for_models_that_keep_none(models: ChatModels, step: MakeStep) -> None:
    scripted(models).enqueue("too late")
    scripted(models).delay_s = 5.0
    with pytest.raises(ProviderTimedOut):
        await models.complete(step("scripted:one", timeout_s=0.05), HELLO)


async def test_a_cancelled_call_ends_its_request_and_frees_its_place(stub: OpenAIStub, step: MakeStep) -> None:
    models = ChatModels(ModelSettings(providers={"openai": ProviderSettings(base_url=stub.url, max_concurrency=1)}))
    stub.enqueue(Behaviour(hang=True), "next")
    task = asyncio.create_task(models.complete(step(), HELLO))
    while stub.in_flight == 0:  # noqa: ASYNC110 -- the stub runs in another thread
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await models.complete(step(), HELLO)).text == "next"
    await models.aclose()


@pytest.mark.parametrize(
    ("raised", "leaf"),
    [
        (ConnectionResetError("gone"), ProviderUnavailable),
        (TimeoutError(), ProviderTimedOut),
        (ValueError("strange"), ProviderBadAnswer),
        (type("ReadTimeout", (Exception,), {})(), ProviderTimedOut),
        (type("APIConnectionError", (Exception,), {})(), ProviderUnavailable),
        (type("APIStatusError", (Exception,), {"status_code": 429})(), ProviderRateLimited),
        (type("APIStatusError", (Exception,), {"status_code": 503})(), ProviderUnavailable),
        (ProviderRateLimited("scripted", "ours"), ProviderRateLimited),
    ],
)
@pytest.mark.parametrize("streaming", [False, True])
async def test_whatever_a_library_raises_is_a_provider_error(
    models: ChatModels, step: MakeStep, raised: Exception, leaf: type[ProviderError], streaming: bool
) -> None:
    async def ignore(_: str) -> None: ...

    scripted(models).enqueue(raised)
    with pytest.raises(ProviderError) as caught:
        await models.complete(step("scripted:one"), HELLO, on_delta=ignore if streaming else None)
    assert type(caught.value) is leaf


async def test_callbacks_see_the_call(models: ChatModels, step: MakeStep) -> None:
    class Seen(AsyncCallbackHandler):
        def __init__(self) -> None:
            self.started: list[Any] = []
            self.tokens: list[str] = []

        async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
            self.started.append(kwargs.get("tags"))

        async def on_llm_new_token(self, token: Any, **_: Any) -> None:
            self.tokens.append(token)

    async def ignore(_: str) -> None: ...

    seen = Seen()
    await models.complete(step(), HELLO, config={"callbacks": [seen], "tags": ["news"]}, on_delta=ignore)
    assert seen.started == [["news"]]
    assert len(seen.tokens) > 2


async def test_events_of_a_chain_show_the_step_streaming(models: ChatModels, stub: OpenAIStub, step: MakeStep) -> None:
    async def run(_: str, config: Any) -> str:
        return (await models.complete(step(), HELLO, config=config)).text

    stub.enqueue("one two")
    events = [event async for event in RunnableLambda(run).astream_events("x", version="v2")]
    assert "on_chat_model_stream" in {event["event"] for event in events}


async def test_a_grammar_nobody_has_is_not_found(models: ChatModels, step: MakeStep) -> None:
    with pytest.raises(NotFound, match="grammar 'sonnet'"):
        await models.complete(step("embedded:smollm2-135m-instruct", grammar="sonnet"), HELLO)


async def test_a_scripted_model_says_when_its_script_is_over(models: ChatModels, step: MakeStep) -> None:
    scripted(models).enqueue("only one")
    await models.complete(step("scripted:one"), HELLO)
    with pytest.raises(AssertionError, match="call 2"):
        await models.complete(step("scripted:one"), HELLO)
    assert [call.text for call in scripted(models).calls] == ["hello you"] * 2
