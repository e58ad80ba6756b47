"""What is sent is what LangChain would send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI

from chains.models.messages import plain_messages
from chains.models.openai_compatible import OpenAICompatibleChat

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

PLAIN: list[BaseMessage] = [SystemMessage("be brief"), HumanMessage("hi"), AIMessage("hello"), HumanMessage("ok?")]
CALL: Any = {"name": "look", "args": {"x": 1}, "id": "call_1", "type": "tool_call"}
SPECIAL: dict[str, list[BaseMessage]] = {
    "name": [HumanMessage("hi", name="ann")],
    "tool call": [HumanMessage("hi"), AIMessage("", tool_calls=[CALL]), ToolMessage("1", tool_call_id="call_1")],
    "blocks": [HumanMessage([{"type": "text", "text": "hi"}])],
    "other role": [ChatMessage(content="hi", role="critic")],
    "role in arguments": [SystemMessage("x", additional_kwargs={"__openai_role__": "developer"})],
    "function call": [AIMessage("", additional_kwargs={"function_call": {"name": "f", "arguments": "{}"}})],
}
MORE: dict[str, Any] = {"stop": ["\n\n"], "temperature": 0.5, "max_tokens": 7, "n": 2}


def opened(model: str = "stub", base_url: str = "http://127.0.0.1:9/v1") -> OpenAICompatibleChat:
    return OpenAICompatibleChat(model=model, base_url=base_url, api_key="sk-test")


@pytest.mark.parametrize("model", ["stub", "gpt-4o-mini", "o3-mini", "gpt-5-pro"])
@pytest.mark.parametrize("messages", [PLAIN, *SPECIAL.values()], ids=["plain", *SPECIAL])
def test_the_payload_is_langchains(messages: list[BaseMessage], model: str) -> None:
    theirs = ChatOpenAI(model=model, base_url="https://api.openai.com/v1", api_key="sk-test", stream_usage=True)
    ours = opened(model, "https://api.openai.com/v1")
    asked: dict[str, Any] = {key: MORE[key] for key in ("stop", "temperature", "max_tokens")}
    assert ours._get_request_payload(messages, **asked) == theirs._get_request_payload(messages, **asked)


def test_other_services_are_told_the_limit_by_its_old_name() -> None:
    payload = opened()._get_request_payload(PLAIN, **MORE)
    assert (payload["max_tokens"], payload["n"], "max_completion_tokens" in payload) == (7, 2, False)
    assert payload["messages"][2] == {"role": "assistant", "content": "hello"}


def test_only_text_is_plain() -> None:
    assert plain_messages(PLAIN) is not None
    assert [plain_messages(messages) for messages in SPECIAL.values()] == [None] * len(SPECIAL)
    assert plain_messages("hi") is None
