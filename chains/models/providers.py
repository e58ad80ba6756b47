"""Opens the chat model behind a name: ours, an OpenAI-compatible service's, or any that LangChain knows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chains.models.adapters import adapters_of
from chains.models.gguf_location import locate_gguf
from chains.models.settings import ProviderSettings
from domain.errors import MissingApiKey

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from chains.models.engine import Engine
    from chains.models.names import ModelName
    from chains.models.sessions import Sessions
    from chains.models.settings import ModelSettings

_NO_KEY = "none"
_EMBEDDED = ProviderSettings(max_retries=0, timeout_s=120.0)
"""The engine's own defaults: nothing gets better by asking it again."""


def provider_settings(settings: ModelSettings, provider: str) -> ProviderSettings:
    """A provider's settings, with the defaults and the concurrency that fit it."""
    given = settings.providers.get(provider)
    if provider == "embedded":
        given = given or _EMBEDDED
        return replace(given, max_concurrency=given.max_concurrency or settings.engine.parallel)
    given = given or ProviderSettings()
    return replace(given, max_concurrency=given.max_concurrency or (1 if provider == "transformers" else 256))


class Providers:
    """Opens models; holds the engines and connections they share.

    Args:
        settings: Of all providers.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self._engines: dict[str, Engine] = {}
        self._sessions: Sessions | None = None

    def open(self, name: ModelName) -> BaseChatModel:
        """A new chat model.

        Raises:
            ConfigurationError: No such model, a missing package, file or key; the message says what to do.
        """
        match name.provider:
            case "embedded":
                return self._embedded(name)
            case "openai":
                return self._openai_compatible(name)
            case "transformers":
                from chains.models.transformers_model import TransformersChat

                return TransformersChat.load(name.model, threads=self._settings.engine.decode_threads)
            case "scripted":
                from chains.models.scripted import ScriptedChatModel

                return ScriptedChatModel()
        if self._settings.provider(name.provider).speaks_openai:
            return self._openai_compatible(name)
        return self.open_langchain(name, {})

    def open_langchain(self, name: ModelName, arguments: dict[str, Any]) -> BaseChatModel:
        """A model of a provider that `init_chat_model` knows, made for one step's settings."""
        from chains.models.langchain_model import init

        return init(name, provider_settings(self._settings, name.provider), arguments)

    def engine(self, model: str) -> Engine:
        """The engine of a GGUF file, which may not run yet."""
        from chains.models.engine import Engine

        if model not in self._engines:
            settings = self._settings.engine
            adapters = adapters_of(model, settings.adapters)
            self._engines[model] = Engine(locate_gguf(model), replace(settings, adapters=adapters))
        return self._engines[model]

    async def aclose(self) -> None:
        """Close this loop's connections and end the engines."""
        if self._sessions is not None:
            await self._sessions.aclose()
        for engine in self._engines.values():
            engine.close()

    def _embedded(self, name: ModelName) -> BaseChatModel:
        from chains.models.embedded import EmbeddedChat

        limits = provider_settings(self._settings, name.provider)
        chat = EmbeddedChat.on(self.engine(name.model), limits, name=name.model)
        chat.use_sessions(self._shared_sessions())
        return chat

    def _openai_compatible(self, name: ModelName) -> BaseChatModel:
        from openai import OpenAIError

        from chains.models.openai_compatible import OpenAICompatibleChat

        limits = provider_settings(self._settings, name.provider)
        own = limits.base_url is not None
        try:
            chat = OpenAICompatibleChat(
                provider=name.provider,
                model=name.model,
                base_url=limits.base_url,
                api_key=limits.api_key or (_NO_KEY if own else None),
                anonymous=own and not limits.api_key,
                limits=limits,
            )
        except OpenAIError as error:
            raise MissingApiKey(name.provider, f"{name.provider.upper()}_API_KEY") from error
        chat.use_sessions(self._shared_sessions())
        return chat

    def _shared_sessions(self) -> Sessions:
        from chains.models.sessions import Sessions

        if self._sessions is None:
            self._sessions = Sessions()
        return self._sessions
