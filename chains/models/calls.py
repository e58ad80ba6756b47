"""One call of one model, with its failures told in our words."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chains.models.failures import as_provider_error
from domain.errors import RiddlewireError

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
class Call:
    """A model and what it is asked with.

    Args:
        name: Its name.
        chat: The model.
        arguments: For `ainvoke` and `astream`.
        limit_s: Seconds for the whole call; None for models that keep a step's `timeout_s` themselves.
        secret: The provider's key, to be hidden in errors.
    """

    name: ModelName
    chat: BaseChatModel
    arguments: dict[str, Any]
    limit_s: float | None = None
    secret: str | None = None

    async def answer(self, messages: Sequence[BaseMessage], config: RunnableConfig | None, deltas: Deltas) -> AIMessage:
        """The model's message; streamed when somebody listens to `deltas`.

        Raises:
            ProviderError: Whatever the provider's library raised.
        """
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
