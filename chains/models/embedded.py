"""The chat model of the embedded engine: the OpenAI-compatible client, on an engine that starts when first asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pydantic import PrivateAttr

from chains.models.openai_compatible import OpenAICompatibleChat
from chains.models.transport import Endpoint
from domain.errors import ConfigurationError, ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chains.models.engine import Engine
    from chains.models.settings import ProviderSettings

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
    def on(cls, engine: Engine, limits: ProviderSettings) -> EmbeddedChat:
        """The chat model of an engine that need not run yet."""
        chat = cls(
            provider="embedded",
            model=engine.path.stem,
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
            if not address:
                raise ProviderUnavailable(self.provider, "the engine gave no address")
            self._endpoint = self._make_endpoint(f"{address}/v1")
        return self._endpoint

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
