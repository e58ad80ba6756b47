from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from chains.models.openai_compatible import OpenAICompatibleChat
from chains.models.settings import ProviderSettings
from domain.errors import ProviderUnavailable
from tests.support.openai_stub import Behaviour, OpenAIStub, rate_limited

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk


@pytest.fixture
def chat(stub: OpenAIStub) -> OpenAICompatibleChat:
    limits = ProviderSettings(timeout_s=5.0, max_retries=2)
    return OpenAICompatibleChat(model="stub", base_url=stub.url, api_key="sk-test-0123456789", limits=limits)


async def test_pieces_come_as_they_are_sent(stub: OpenAIStub, chat: OpenAICompatibleChat) -> None:
    stub.enqueue(Behaviour(text="one two three four", chunk_delay_s=0.15))
    arrived = [time.monotonic() async for chunk in chat.astream("hi") if chunk.text]
    assert len(arrived) == 4
    assert arrived[-1] - arrived[0] > 0.3


async def test_usage_and_reason_come_with_the_stream(stub: OpenAIStub, chat: OpenAICompatibleChat) -> None:
    stub.enqueue("one two three")
    whole: AIMessageChunk | None = None
    async for chunk in chat.astream("a b"):
        whole = chunk if whole is None else whole + chunk
    assert whole is not None
    assert whole.text == "one two three"
    assert whole.usage_metadata is not None
    assert whole.usage_metadata["output_tokens"] == 3
    assert whole.response_metadata["finish_reason"] == "stop"
    assert stub.last.body["stream_options"] == {"include_usage": True}


async def test_a_cut_stream_is_unavailable_and_is_not_begun_again(stub: OpenAIStub, chat: OpenAICompatibleChat) -> None:
    stub.enqueue(Behaviour(text="one two three four", cut_after=2), "another answer")
    seen = []
    with pytest.raises(ProviderUnavailable):  # noqa: PT012 -- same
        async for chunk in chat.astream("hi"):
            seen.append(chunk.text)  # noqa: PERF401 -- what came before the error counts
    assert "".join(seen) == "one two "
    assert len(stub.requests) == 1


async def test_a_stream_cut_before_its_first_piece_is_tried_again(stub: OpenAIStub, chat: OpenAICompatibleChat) -> None:
    stub.enqueue(Behaviour(text="one two", cut_after=0), rate_limited("0"), "another answer")
    assert "".join([chunk.text async for chunk in chat.astream("hi")]) == "another answer"
    assert len(stub.requests) == 3


async def test_a_stream_without_an_end_is_an_error(stub: OpenAIStub, chat: OpenAICompatibleChat) -> None:
    stub.enqueue(Behaviour(text="one two", no_done=True))
    with pytest.raises(ProviderUnavailable, match="cut before its end"):
        async for _ in chat.astream("hi"):
            pass


async def test_a_stream_that_gave_its_reason_to_stop_is_whole_without_done(
    stub: OpenAIStub, chat: OpenAICompatibleChat
) -> None:
    body = b'data: {"choices": [{"index": 0, "delta": {"content": "whole"}, "finish_reason": "stop"}]}\n\n'
    stub.enqueue(Behaviour(body=body, content_type="text/event-stream"))
    assert "".join([chunk.text async for chunk in chat.astream("hi")]) == "whole"


async def test_an_error_within_a_stream_is_the_error_that_fits(stub: OpenAIStub, chat: OpenAICompatibleChat) -> None:
    body = (
        b'data: {"choices": [{"index": 0, "delta": {"content": "half"}}]}\n\n'
        b'data: {"error": {"message": "overloaded", "code": 503}}\n\n'
    )
    stub.enqueue(Behaviour(body=body, content_type="text/event-stream"))
    with pytest.raises(ProviderUnavailable, match="overloaded"):
        async for _ in chat.astream("hi"):
            pass


async def test_a_listener_who_leaves_ends_the_request(stub: OpenAIStub, chat: OpenAICompatibleChat) -> None:
    stub.enqueue(Behaviour(text="word " * 500, chunk_delay_s=0.05))
    async for _ in chat.astream("hi"):
        break
    for _ in range(100):
        if stub.in_flight == 0:
            return
        await asyncio.sleep(0.05)
    pytest.fail("the stub is still answering")


async def test_events_show_the_model_streaming(stub: OpenAIStub, chat: OpenAICompatibleChat) -> None:
    stub.enqueue("one two")
    kinds = [event["event"] async for event in chat.astream_events("hi", version="v2")]
    assert kinds[0] == "on_chat_model_start"
    assert kinds.count("on_chat_model_stream") >= 2
    assert kinds[-1] == "on_chat_model_end"
