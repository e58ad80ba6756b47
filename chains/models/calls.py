"""One call of one model, with its failures told in our words."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chains.models.failures import as_provider_error
from chains.together import together
from domain.errors import ProviderError, RiddlewireError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
    from langchain_core.runnables import RunnableConfig

    from chains.models.names import ModelName


class Deltas:
    """Passes on pieces of text as they come, and knows whether any came."""

    def __init__(self, on_delta: Callable[[str], Awaitable[None]] | None) -> None:
        self._on_delta = on_delta
        self.begun = False

    @property
    def wanted(self) -> bool:
        """Whether anybody listens."""
        return self._on_delta is not None

    async def send(self, text: str) -> None:
        """Pass one on; an empty one is nothing."""
        if text and self._on_delta is not None:
            self.begun = True
            await self._on_delta(text)


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the answers to a question.

    Args:
        message: What the model said.
        streamed: Whether its text was passed on as it came.
        counted: Whether its usage stands at another answer of the same call.
    """

    message: AIMessage
    streamed: bool = False
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A model and what it is asked with.

    Args:
        name: Its name.
        chat: The model.
        arguments: For `ainvoke` and `astream`.
        limit: Held by every call while it runs.
        limit_s: Seconds for the whole call; None for models that keep a step's `timeout_s` themselves.
        secret: The provider's key, to be hidden in errors.
    """

    name: ModelName
    chat: BaseChatModel
    arguments: dict[str, Any]
    limit: asyncio.Semaphore
    limit_s: float | None = None
    secret: str | None = None

    async def answers(
        self, n: int, messages: Sequence[BaseMessage], config: RunnableConfig | None, deltas: Deltas
    ) -> list[Answer]:
        """Up to `n` answers, by one call where the model can give several, else by `n` calls at once.

        The first is streamed when somebody listens to `deltas`. Fewer come when some of the calls fail.

        Raises:
            ProviderError: No call was answered; what the provider's library raised at the first.
        """
        if n == 1:
            return [Answer(await self._answer(messages, config, deltas), streamed=deltas.wanted)]
        if n <= getattr(self.chat, "most_choices", 1):
            return await self._choices(n, messages, config, deltas)
        calls = [(self, deltas), *((self._seeded(index), Deltas(None)) for index in range(1, n))]
        outcomes = await together(call._attempt(messages, config, told) for call, told in calls)  # noqa: SLF001
        answers = [
            Answer(outcome, streamed=deltas.wanted and index == 0)
            for index, outcome in enumerate(outcomes)
            if not isinstance(outcome, ProviderError)
        ]
        if not answers and isinstance(outcomes[0], ProviderError):
            raise outcomes[0]
        return answers

    def _seeded(self, index: int) -> Call:
        """The same call with a seed of its own, where it has one: else all answers were equal."""
        seed = self.arguments.get("seed")
        return self if seed is None else replace(self, arguments={**self.arguments, "seed": seed + index})

    async def _choices(
        self, n: int, messages: Sequence[BaseMessage], config: RunnableConfig | None, deltas: Deltas
    ) -> list[Answer]:
        chat: Any = self.chat
        async with self.limit:
            found = await chat.achoices(list(messages), n, config, deltas.send, **self.arguments)
        return [Answer(message, deltas.wanted and not index, counted=index > 0) for index, message in enumerate(found)]

    async def _attempt(
        self, messages: Sequence[BaseMessage], config: RunnableConfig | None, deltas: Deltas
    ) -> AIMessage | ProviderError:
        try:
            return await self._answer(messages, config, deltas)
        except ProviderError as error:
            return error

    async def _answer(
        self, messages: Sequence[BaseMessage], config: RunnableConfig | None, deltas: Deltas
    ) -> AIMessage:
        async with self.limit:
            if not deltas.wanted:
                return await self._whole(messages, config)
            chunks: list[AIMessageChunk] = []
            async with aclosing(self._pieces(messages, config)) as pieces:
                async for chunk in pieces:
                    chunks.append(chunk)
                    await deltas.send(chunk.text)
            return chunks[0] + chunks[1:]  # merged once at the end; LangChain raises on an empty stream

    async def _whole(self, messages: Sequence[BaseMessage], config: RunnableConfig | None) -> AIMessage:
        try:
            async with asyncio.timeout(self.limit_s):
                return await self.chat.ainvoke(list(messages), config, **self.arguments)
        except (RiddlewireError, AssertionError):
            raise
        except Exception as error:  # a provider's library raises what it likes
            raise as_provider_error(self.name.provider, error, (self.secret,)) from error

    async def _pieces(
        self, messages: Sequence[BaseMessage], config: RunnableConfig | None
    ) -> AsyncGenerator[AIMessageChunk, None]:
        deadline = None if self.limit_s is None else asyncio.get_running_loop().time() + self.limit_s
        chunks = self.chat.astream(list(messages), config, **self.arguments)
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    chunk = await anext(chunks)
            except StopAsyncIteration:
                return
            except (RiddlewireError, AssertionError):
                raise
            except Exception as error:  # a provider's library raises what it likes
                raise as_provider_error(self.name.provider, error, (self.secret,)) from error
            yield chunk
