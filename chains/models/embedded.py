"""The chat model of the embedded engine: the OpenAI-compatible client, on an engine that starts when first asked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import PrivateAttr

from chains.models.openai_compatible import OpenAICompatibleChat
from domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_core.messages import BaseMessageChunk
    from langchain_core.outputs import ChatGenerationChunk, ChatResult

    from chains.models.engine import Engine
    from chains.models.settings import ProviderSettings
    from chains.models.transport import Endpoint

_ONE_CALL = {"connection": "close"}
"""A connection for each call: the engine closes one after a streamed answer without saying so, perhaps just as the
next call goes out on it, and an idle one keeps one of the engine's few threads."""
_PLACEHOLDER_URL = "http://127.0.0.1:1/v1"


class UnknownAdapter(ConfigurationError):
    """A step asks for a LoRA adapter the engine was not given."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        there_is = ", ".join(known) or "none"
        super().__init__(f"no adapter {name!r} is configured (there is: {there_is}): add it to the engine's adapters")


class EmbeddedChat(OpenAICompatibleChat):
    """Talks to an `Engine`; the first call starts it, in a thread.

    Beyond what every service understands, calls may carry `grammar` (GBNF text), `adapter` (name of a LoRA adapter)
    and `adapter_scale` (1.0 is as trained). Without `adapter` the plain model answers.
    """

    _engine: Engine = PrivateAttr()

    @classmethod
    def on(cls, engine: Engine, limits: ProviderSettings, *, name: str) -> EmbeddedChat:
        """The chat model of an engine that need not run yet; `name` is what traces and metrics call it."""
        chat = cls(
            provider="embedded",
            most_choices=engine.settings.parallel,
            model=name,
            base_url=_PLACEHOLDER_URL,
            api_key=engine.api_key,
            limits=limits,
        )
        chat._engine = engine
        return chat

    async def endpoint(self) -> Endpoint:
        """The running engine's address; starts the engine."""
        if self._endpoint is None or not self._engine.is_running:
            address = await asyncio.to_thread(self._engine.start)
            endpoint = self._make_endpoint(f"{address}/v1")
            self._endpoint = replace(endpoint, headers={**endpoint.headers, **_ONE_CALL})
        return self._endpoint

    def _result(self, answer: dict[str, Any]) -> ChatResult:
        result = super()._result(answer)
        for generation in result.generations:
            generation.message.response_metadata["timings"] = answer.get("timings") or {}
        return result

    def _chunk(self, chunk: dict[str, Any], kind: type[BaseMessageChunk]) -> ChatGenerationChunk | None:
        made = super()._chunk(chunk, kind)
        if made is not None and chunk.get("timings"):
            made.message.response_metadata["timings"] = chunk["timings"]
        return made

    def _get_request_payload(self, input_: Any, *, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        adapter, scale = kwargs.pop("adapter", None), kwargs.pop("adapter_scale", 1.0)
        payload = super()._get_request_payload(input_, stop=stop, **kwargs)
        if numbers := self._engine.adapters:
            if adapter is not None and adapter not in numbers:
                raise UnknownAdapter(adapter, numbers)
            payload["lora"] = [
                {"id": number, "scale": scale if name == adapter else 0.0} for name, number in numbers.items()
            ]
        elif adapter is not None:
            raise UnknownAdapter(adapter, ())
        return payload
