"""A pipeline of plain Runnables in the shape of ours, so that observers meet real LangChain callbacks."""

# ruff: noqa: A002 -- Runnable's signatures

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, UsageMetadata
from langchain_core.messages.ai import InputTokenDetails
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable

from domain import Riddle, StepRecord
from tests.support.riddles import a_riddle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from langchain_core.language_models.base import LangSmithParams
    from langchain_core.messages import BaseMessage
    from langchain_core.runnables import RunnableConfig

USAGE = UsageMetadata(
    input_tokens=30, output_tokens=5, total_tokens=35, input_token_details=InputTokenDetails(cache_read=20)
)


class Model(BaseChatModel):
    """Answers or fails, and names itself as providers do."""

    error: Exception | None = None
    answers: int = 1

    @property
    def _llm_type(self) -> str:
        return "test"

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return {"ls_provider": "openai", "ls_model_name": "small", "ls_model_type": "chat"}

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        if self.error is not None:
            raise self.error
        told = {"finish_reason": "stop", "model_name": "small-2026"}
        messages = [
            AIMessage("a secret answer", usage_metadata=USAGE, response_metadata=told) for _ in range(self.answers)
        ]
        return ChatResult(generations=[ChatGeneration(message=message) for message in messages])

    async def _astream(self, *_: Any, **__: Any) -> AsyncIterator[ChatGenerationChunk]:
        yield ChatGenerationChunk(message=AIMessageChunk(content="a secret "))
        yield ChatGenerationChunk(message=AIMessageChunk(content="answer", usage_metadata=USAGE))


class Stepped:
    """What a step gives back: like ours it has a record."""

    record = StepRecord(step="riddle", prompt="riddle@2", model="openai:small", example_ids=("ex_1", "ex_2"))


class Step(Runnable[str, Stepped]):
    """Calls the model once."""

    def __init__(self, name: str, model: Model | None, *, stream: bool = False) -> None:
        self.name = name
        self._model = model
        self._stream = stream

    def invoke(self, input: str, config: RunnableConfig | None = None, **kwargs: Any) -> Stepped:
        raise NotImplementedError

    async def ainvoke(self, input: str, config: RunnableConfig | None = None, **kwargs: Any) -> Stepped:
        return await self._acall_with_config(self._run, input, config, **kwargs)  # type: ignore[arg-type]  # it takes this too

    async def _run(self, input: str, config: RunnableConfig) -> Stepped:
        if self._model is not None and self._stream:
            async for _ in self._model.astream(input, config):
                pass
        elif self._model is not None:
            await self._model.ainvoke(input, config, temperature=0.5, max_tokens=64)
        return Stepped()


class Pipeline(Runnable[str, Riddle]):
    """Runs steps and gives a riddle."""

    name = "embedded"

    def __init__(self, *steps: Step, **changes: Any) -> None:
        self._steps = steps
        self._changes = changes

    def invoke(self, input: str, config: RunnableConfig | None = None, **kwargs: Any) -> Riddle:
        raise NotImplementedError

    async def ainvoke(self, input: str, config: RunnableConfig | None = None, **kwargs: Any) -> Riddle:
        return await self._acall_with_config(self._run, input, config, **kwargs)  # type: ignore[arg-type]  # it takes this too

    async def _run(self, input: str, config: RunnableConfig) -> Riddle:
        for step in self._steps:
            await step.ainvoke(input, config)
        return a_riddle(**self._changes)
