"""One call of one model, with its failures told in our words."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chains.models.admission import current_ticket, holding
from chains.models.failures import as_provider_error
from chains.together import together
from domain.errors import ProviderError, RiddlewireError
from domain.storable import storable
from domain.usage import Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
    from langchain_core.runnables import RunnableConfig

    from chains.models.admission import Admission, Asking
    from chains.models.meter import Meter
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
        """Pass one on, as it will be kept; an empty one is nothing."""
        if text and self._on_delta is not None:
            self.begun = True
            await self._on_delta(storable(text))


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the answers to a question.

    Args:
        message: What the model said.
        usage: What it took; nothing where that stands at another answer of the same call.
        streamed: Whether its text was passed on as it came.
        cached: Whether it was given before, to the same question.
    """

    message: AIMessage
    usage: Usage
    streamed: bool = False
    cached: bool = False

    @property
    def finish_reason(self) -> str | None:
        """Why the model ended, in its provider's word."""
        told: dict[str, Any] = self.message.response_metadata
        return told.get("finish_reason") or told.get("stop_reason")


@dataclass(frozen=True, slots=True)
class Call:
    """A model and what it is asked with.

    Args:
        name: Its name.
        chat: The model.
        arguments: What the step asks for.
        admission: Lets every call out, and is told what it used.
        meter: Counts what calls use.
        limit_s: Seconds for the whole call; None for models that keep a step's `timeout_s` themselves.
        secret: The provider's key, to be hidden in errors.
        built_in: Names of arguments that the model was made with, and that no call of it takes.
    """

    name: ModelName
    chat: BaseChatModel
    arguments: dict[str, Any]
    admission: Admission
    meter: Meter
    limit_s: float | None = None
    secret: str | None = None
    built_in: frozenset[str] = frozenset()

    async def answers(
        self, n: int, messages: Sequence[BaseMessage], config: RunnableConfig | None, deltas: Deltas
    ) -> list[Answer]:
        """Up to `n` answers, by one call where the model can give several, else by `n` calls at once.

        The first is streamed when somebody listens to `deltas`. Fewer come when some of the calls fail.

        Raises:
            ProviderError: No call was answered; what the provider's library raised at the first.
        """
        if n == 1:
            return [await self._answer(messages, config, deltas)]
        if n <= getattr(self.chat, "most_choices", 1):
            return await self._choices(n, messages, config, deltas)
        calls = [(self, deltas), *((self._seeded(index), Deltas(None)) for index in range(1, n))]
        outcomes = await together(call._attempt(messages, config, told) for call, told in calls)  # noqa: SLF001
        answers = [outcome for outcome in outcomes if not isinstance(outcome, ProviderError)]
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
        async with self.admission.admit(self._asking(messages, n)) as ticket:
            with holding(ticket):
                first, *others = await chat.achoices(list(messages), n, config, deltas.send, **self._passed)
            usage = self.meter.used(self.name, messages, first)
            ticket.answered(usage)
        return [Answer(first, usage, deltas.wanted), *(Answer(message, Usage()) for message in others)]

    async def _attempt(
        self, messages: Sequence[BaseMessage], config: RunnableConfig | None, deltas: Deltas
    ) -> Answer | ProviderError:
        try:
            return await self._answer(messages, config, deltas)
        except ProviderError as error:
            return error

    async def _answer(self, messages: Sequence[BaseMessage], config: RunnableConfig | None, deltas: Deltas) -> Answer:
        async with self.admission.admit(self._asking(messages, 1)) as ticket:
            with holding(ticket):
                message = await self._message(messages, config, deltas)
            usage = self.meter.used(self.name, messages, message)
            ticket.answered(usage)
        return Answer(message, usage, deltas.wanted)

    @property
    def _passed(self) -> dict[str, Any]:
        """For `ainvoke` and `astream`."""
        return {key: value for key, value in self.arguments.items() if key not in self.built_in}

    def _asking(self, messages: Sequence[BaseMessage], n: int) -> Asking:
        return self.meter.asking(self.name, messages, max_tokens=n * int(self.arguments.get("max_tokens") or 0))

    async def _message(
        self, messages: Sequence[BaseMessage], config: RunnableConfig | None, deltas: Deltas
    ) -> AIMessage:
        if deltas.wanted:
            return await self._streamed(messages, config, deltas)
        return await self._whole(messages, config)

    async def _streamed(
        self, messages: Sequence[BaseMessage], config: RunnableConfig | None, deltas: Deltas
    ) -> AIMessage:
        chunks: list[AIMessageChunk] = []
        async with aclosing(self._pieces(messages, config)) as pieces:
            async for chunk in pieces:
                chunks.append(chunk)
                await deltas.send(chunk.text)
        return chunks[0] + chunks[1:]  # merged once at the end; LangChain raises on an empty stream

    async def _whole(self, messages: Sequence[BaseMessage], config: RunnableConfig | None) -> AIMessage:
        try:
            async with asyncio.timeout(self.limit_s):
                return await self.chat.ainvoke(list(messages), config, **self._passed)
        except (RiddlewireError, AssertionError):
            raise
        except Exception as error:  # a provider's library raises what it likes
            raise self._failure(error) from error

    async def _pieces(
        self, messages: Sequence[BaseMessage], config: RunnableConfig | None
    ) -> AsyncGenerator[AIMessageChunk, None]:
        deadline = None if self.limit_s is None else asyncio.get_running_loop().time() + self.limit_s
        chunks = self.chat.astream(list(messages), config, **self._passed)
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    chunk = await anext(chunks)
            except StopAsyncIteration:
                return
            except (RiddlewireError, AssertionError):
                raise
            except Exception as error:  # a provider's library raises what it likes
                raise self._failure(error) from error
            yield chunk

    def _failure(self, error: Exception) -> ProviderError:
        """What a provider's own library raised, after tries of its own: only now the call's ticket can hear of it."""
        failure = as_provider_error(self.name.provider, error, (self.secret,))
        if (ticket := current_ticket()) is not None:
            ticket.failed(failure)
        return failure
