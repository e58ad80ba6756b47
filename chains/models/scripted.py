"""A chat model for tests that says what it is told. No default anywhere, and no model at all."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun

    Reply = str | Exception | Callable[[list[BaseMessage]], str]


class ScriptIsOver(AssertionError):
    """A scripted model was called more often than it was given answers."""

    def __init__(self, calls: int) -> None:
        super().__init__(f"call {calls} of a scripted model has no answer: enqueue() one more, or set `always`")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedCall:
    """One call as the model got it."""

    messages: list[BaseMessage]
    stop: list[str] | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All messages' text, joined."""
        return "\n".join(str(message.content) for message in self.messages)


class ScriptedChatModel(BaseChatModel):
    """Answers with what was enqueued, in order; then with `always`, if set.

    Args:
        model_name: What callbacks are told.
        always: The answer when nothing is enqueued: a text, an exception to raise, or a function of the messages.
        delay_s: Before each answer.

    Example:
        model = ScriptedChatModel()
        model.enqueue("a summary", ProviderTimedOut("scripted", "too slow"), lambda messages: messages[-1].text)
        model.calls[0].text
    """

    model_name: str = "scripted"
    always: Any = None
    delay_s: float = 0.0

    _queue: deque[Any] = PrivateAttr(default_factory=deque)
    _calls: list[ScriptedCall] = PrivateAttr(default_factory=list)

    @property
    def calls(self) -> list[ScriptedCall]:
        """All calls so far."""
        return self._calls

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def enqueue(self, *replies: Reply) -> None:
        """Add answers to the script."""
        self._queue.extend(replies)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 -- LangChain's signature
        **kwargs: Any,
    ) -> ChatResult:
        text = self._reply(messages, stop, kwargs)
        message = AIMessage(content=text, usage_metadata=_usage(messages, text), response_metadata=self._metadata)
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 -- LangChain's signature
        **kwargs: Any,
    ) -> ChatResult:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        return self._generate(messages, stop, None, **kwargs)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        text = self._reply(messages, stop, kwargs)
        for chunk in _pieces(messages, text, self._metadata):
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        text = self._reply(messages, stop, kwargs)
        for chunk in _pieces(messages, text, self._metadata):
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return {**super()._get_ls_params(stop=stop, **kwargs), **LangSmithParams(ls_provider="scripted")}

    @property
    def _metadata(self) -> dict[str, Any]:
        return {"model_name": self.model_name, "finish_reason": "stop"}

    def _reply(self, messages: list[BaseMessage], stop: list[str] | None, settings: dict[str, Any]) -> str:
        self._calls.append(ScriptedCall(messages=messages, stop=stop, settings=settings))
        reply = self._queue.popleft() if self._queue else self.always
        if reply is None:
            raise ScriptIsOver(len(self._calls))
        if isinstance(reply, Exception):
            raise reply
        return str(reply(messages)) if callable(reply) else str(reply)


def _pieces(messages: list[BaseMessage], text: str, metadata: dict[str, Any]) -> Iterator[ChatGenerationChunk]:
    for piece in re.findall(r"\s*\S+\s*$|\s*\S+", text) or [text]:
        yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
    end = AIMessageChunk(content="", usage_metadata=_usage(messages, text), response_metadata=metadata)
    yield ChatGenerationChunk(message=end)


def _usage(messages: list[BaseMessage], text: str) -> UsageMetadata:
    read, written = sum(len(str(message.content).split()) for message in messages), len(text.split())
    return UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written)
