"""The client against a real server: what it sends, what it makes of answers, and of what is none."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from chains.models.openai_compatible import OpenAICompatibleChat
from chains.models.settings import ProviderSettings
from domain.errors import (
    ProviderBadAnswer,
    ProviderError,
    ProviderRateLimited,
    ProviderTimedOut,
    ProviderUnavailable,
)
from tests.support import openai_stub
from tests.support.openai_stub import Behaviour, OpenAIStub, rate_limited

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk-test-0123456789abcdef"


@pytest.fixture
def chat(stub: OpenAIStub) -> Callable[..., OpenAICompatibleChat]:
    def make(**fields: Any) -> OpenAICompatibleChat:
        limits = ProviderSettings(**{"timeout_s": 5.0, "max_retries": 0, **fields.pop("limits", {})})
        return OpenAICompatibleChat(
            **{"model": "stub", "base_url": stub.url, "api_key": KEY, "limits": limits} | fields
        )

    return make


async def ask(model: OpenAICompatibleChat, *, streaming: bool) -> str:
    if streaming:
        return "".join([chunk.text async for chunk in model.astream("hi")])
    return (await model.ainvoke("hi")).text


async def test_messages_settings_and_key_reach_the_service(stub: OpenAIStub, chat: Any) -> None:
    messages = [SystemMessage("be brief"), HumanMessage("q"), AIMessage("a"), HumanMessage("q2")]
    await chat().ainvoke(messages, temperature=0.5, top_p=0.9, max_tokens=7, seed=3, stop=["\n\n"])
    assert stub.last.body == {
        "model": "stub",
        "stream": False,
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 7,
        "seed": 3,
        "stop": ["\n\n"],
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": "a"},
            {"role": "user", "content": "q2"},
        ],
    }
    assert stub.last.headers["Authorization"] == f"Bearer {KEY}"


async def test_an_anonymous_client_sends_no_authorization(stub: OpenAIStub, chat: Any) -> None:
    await chat(anonymous=True).ainvoke("hi")
    assert "Authorization" not in stub.last.headers


async def test_extra_body_and_headers_are_sent_as_the_sdk_would(stub: OpenAIStub, chat: Any) -> None:
    await chat().ainvoke("hi", extra_body={"top_k": 5}, extra_headers={"X-Team": "news"})
    assert stub.last.body["top_k"] == 5
    assert "extra_body" not in stub.last.body
    assert stub.last.headers["X-Team"] == "news"


async def test_tokens_cached_ones_and_the_reason_to_stop_are_reported(stub: OpenAIStub, chat: Any) -> None:
    stub.enqueue("one two three")
    answer = await chat().ainvoke("a b c d")
    assert answer.content == "one two three"
    assert answer.usage_metadata["output_tokens"] == 3
    assert answer.usage_metadata["input_token_details"]["cache_read"] == 2
    assert answer.response_metadata["finish_reason"] == "stop"


def test_synchronous_calls_and_streams_work(stub: OpenAIStub, chat: Any) -> None:
    model = chat()
    stub.enqueue("hello there", "one two three")
    assert model.invoke("hi").content == "hello there"
    assert "".join(chunk.text for chunk in model.stream("hi")) == "one two three"


async def test_synchronous_calls_work_while_a_loop_runs(stub: OpenAIStub, chat: Any) -> None:
    stub.enqueue("hello there")
    assert chat().invoke("hi").content == "hello there"


@pytest.mark.parametrize(
    ("behaviour", "leaf"),
    [
        (rate_limited("3"), ProviderRateLimited),
        (Behaviour(status=500), ProviderUnavailable),
        (Behaviour(status=503), ProviderUnavailable),
        (Behaviour(status=504), ProviderTimedOut),
        (Behaviour(status=400), ProviderBadAnswer),
        (Behaviour(status=401), ProviderBadAnswer),
        (Behaviour(status=404), ProviderBadAnswer),
        (Behaviour(reset=True), ProviderUnavailable),
        (openai_stub.NONSENSE, ProviderBadAnswer),
        (openai_stub.NOT_JSON, ProviderBadAnswer),
        (openai_stub.HTML, ProviderBadAnswer),
        (openai_stub.NO_CHOICES, ProviderBadAnswer),
        (openai_stub.ERROR_IN_200, ProviderUnavailable),
        (Behaviour(body=b'{"choices": [{"message": null}]}'), ProviderBadAnswer),
        (Behaviour(body=b'{"choices": ["text"]}'), ProviderBadAnswer),
        (Behaviour(body=b'{"choices": {"0": 1}}'), ProviderBadAnswer),
        (Behaviour(body=b"[1, 2]"), ProviderBadAnswer),
        (Behaviour(body=b'{"error": {"message": "slow down", "code": 429}}'), ProviderRateLimited),
        (Behaviour(body=b'{"error": "no such model"}'), ProviderBadAnswer),
        (Behaviour(body=b""), ProviderBadAnswer),
        (Behaviour(body=b"\xff\xfe\x00"), ProviderBadAnswer),
    ],
)  # fmt: skip
@pytest.mark.parametrize("streaming", [False, True])
async def test_what_is_no_answer_is_the_error_that_fits(
    stub: OpenAIStub, chat: Any, behaviour: Behaviour, leaf: type[ProviderError], streaming: bool
) -> None:
    stub.enqueue(behaviour)
    with pytest.raises(ProviderError) as caught:
        await ask(chat(), streaming=streaming)
    assert type(caught.value) is leaf
    assert caught.value.provider == "openai"


async def test_the_wait_a_rate_limit_asks_for_is_told(stub: OpenAIStub, chat: Any) -> None:
    stub.enqueue(rate_limited("3"))
    with pytest.raises(ProviderRateLimited) as caught:
        await chat().ainvoke("hi")
    assert caught.value.retry_after_s == 3
    assert "slow down" in caught.value.reason


async def test_a_key_in_an_error_is_hidden(stub: OpenAIStub, chat: Any) -> None:
    stub.enqueue(Behaviour(status=401, message=f"Incorrect API key provided: {KEY}"))
    with pytest.raises(ProviderBadAnswer) as caught:
        await chat().ainvoke("hi")
    assert KEY not in str(caught.value)
    assert "Incorrect API key" in str(caught.value)
    assert KEY not in repr(chat())


async def test_an_error_page_is_told_in_its_words_without_markup(stub: OpenAIStub, chat: Any) -> None:
    stub.enqueue(openai_stub.HTML)
    with pytest.raises(ProviderBadAnswer, match="not JSON: Bad gateway oops"):
        await chat().ainvoke("hi")


@pytest.mark.parametrize("streaming", [False, True])
async def test_an_answer_longer_than_allowed_is_refused(stub: OpenAIStub, chat: Any, streaming: bool) -> None:
    stub.enqueue(Behaviour(text="word " * 5000))
    model = chat(limits={"max_response_bytes": 10_000})
    with pytest.raises(ProviderBadAnswer, match="longer than 10000 bytes"):
        await ask(model, streaming=streaming)


async def test_a_service_that_hangs_times_out(stub: OpenAIStub, chat: Any) -> None:
    stub.enqueue(Behaviour(hang=True))
    started = time.monotonic()
    with pytest.raises(ProviderTimedOut):
        await chat(limits={"timeout_s": 0.2}).ainvoke("hi")
    assert time.monotonic() - started < 2


async def test_a_call_may_have_its_own_time_limit(stub: OpenAIStub, chat: Any) -> None:
    stub.enqueue(Behaviour(hang=True))
    with pytest.raises(ProviderTimedOut):
        await chat().ainvoke("hi", timeout=0.2)


async def test_a_stream_that_falls_silent_times_out(stub: OpenAIStub, chat: Any) -> None:
    stub.enqueue(Behaviour(text="one two three", chunk_delay_s=3))
    with pytest.raises(ProviderTimedOut):
        async for _ in chat(limits={"stall_timeout_s": 0.2}).astream("hi"):
            pass


async def test_nobody_listening_is_unavailable(chat: Any, unused_tcp_port: int) -> None:
    with pytest.raises(ProviderUnavailable, match="connection failed"):
        await chat(base_url=f"http://127.0.0.1:{unused_tcp_port}/v1").ainvoke("hi")


async def test_a_redirect_is_not_followed(stub: OpenAIStub, chat: Any) -> None:
    stub.enqueue(Behaviour(status=302, headers={"Location": "http://127.0.0.1:1/"}))
    with pytest.raises(ProviderBadAnswer, match="302"):
        await chat().ainvoke("hi")


async def test_retries_end_in_the_answer(stub: OpenAIStub, chat: Any) -> None:
    stub.enqueue(rate_limited("0"), Behaviour(status=502), "at last")
    assert (await chat(limits={"max_retries": 2}).ainvoke("hi")).content == "at last"
    assert len(stub.requests) == 3


async def test_a_retry_waits_as_long_as_asked(stub: OpenAIStub, chat: Any) -> None:
    stub.enqueue(rate_limited("0.3"), "at last")
    started = time.monotonic()
    await chat(limits={"max_retries": 1}).ainvoke("hi")
    assert time.monotonic() - started >= 0.3


async def test_refused_requests_are_not_sent_again(stub: OpenAIStub, chat: Any) -> None:
    stub.enqueue(Behaviour(status=400))
    with pytest.raises(ProviderBadAnswer):
        await chat(limits={"max_retries": 3}).ainvoke("hi")
    assert len(stub.requests) == 1


async def test_many_calls_at_once_all_reach_the_service(stub: OpenAIStub, chat: Any) -> None:
    stub.default = Behaviour(delay_s=2.0)  # long enough to send all of them on a busy machine
    model = chat(limits={"timeout_s": 20.0})
    await asyncio.gather(*(model.ainvoke("hi") for _ in range(150)))
    assert stub.most_in_flight > 100  # more than aiohttp's and httpx's own limit of connections


async def test_a_structured_answer_is_left_to_the_sdk(stub: OpenAIStub, chat: Any) -> None:
    stub.enqueue('{"answer": "a bridge"}')
    schema = {"title": "Riddle", "type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
    riddle = await chat().with_structured_output(schema, method="json_schema").ainvoke("hi")
    assert riddle == {"answer": "a bridge"}
