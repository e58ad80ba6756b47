"""Chat models by name, and the one way a step calls them."""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import replace
from functools import cache as once
from functools import partial
from typing import TYPE_CHECKING

from chains.models.admission import LocalAdmission
from chains.models.arguments import call_arguments
from chains.models.calls import Call, Deltas
from chains.models.completion import Completion
from chains.models.journal import call_key, current_journal
from chains.models.memory import Memory
from chains.models.meter import Meter
from chains.models.names import ModelName
from chains.models.prices import PriceTable
from chains.models.providers import Providers, provider_settings
from chains.models.settings import ModelSettings
from chains.models.tokens import Tokens
from domain.errors import ConfigurationError, ProviderError, RiddlewireError
from domain.storable import storable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage
    from langchain_core.runnables import RunnableConfig

    from chains.models.admission import Admission
    from chains.models.calls import Answer
    from chains.models.remembered import StepCache
    from prompts.pipeline import ModelCallSpec, StepSpec

_log = logging.getLogger("riddlewire.models")

_OURS = frozenset({"embedded", "openai", "transformers", "scripted"})


class ChatModels:
    """Opens chat models by `provider:model`, keeps them, and calls them for a step.

    Args:
        settings: Providers, engine and prices; the defaults need nothing but the embedded model.
        admission: Lets calls out; unless given, each provider's `max_concurrency` is all that limits them.
        cache: Remembers the answers of pipelines' runs; None remembers nothing.

    Example:
        models = ChatModels()
        models.get("embedded:smollm2-135m-instruct").invoke("Hello")
    """

    def __init__(
        self,
        settings: ModelSettings | None = None,
        *,
        admission: Admission | None = None,
        cache: StepCache | None = None,
    ) -> None:
        self.settings = settings or ModelSettings()
        self._providers = Providers(self.settings)
        self._prices = PriceTable(self.settings.prices)
        self._open: dict[object, BaseChatModel] = {}
        self._tokens = Tokens(self.settings, self._prices, lambda name: self._open.get(str(name)))
        self._opening = threading.RLock()
        self._meter = Meter(self._tokens, self._prices)
        self._provider_settings = once(partial(provider_settings, self.settings))
        self._admission = admission or LocalAdmission(lambda name: self._provider_settings(name).max_concurrency or 1)
        self._memory = Memory(cache, self.settings)

    def get(self, name: str) -> BaseChatModel:
        """The chat model of that name, opened once; a plain LangChain model to use in any chain.

        The first use of a provider imports its library, which can take seconds: see `warm_up`.

        Raises:
            ConfigurationError: It cannot be opened; the message says what to do.
        """
        parsed = ModelName.parse(name)
        return self._kept(str(parsed), lambda: self._providers.open(parsed))

    def put(self, name: str, model: BaseChatModel) -> None:
        """Answer to a name with a model of your own, for the rest of this object's life."""
        with self._opening:
            self._open[str(ModelName.parse(name))] = model

    async def warm_up(self, name: str) -> None:
        """Open a model before it is needed: its library, its tokenizer and, if embedded, its engine."""
        parsed = ModelName.parse(name)
        await asyncio.to_thread(self.get, name)
        await asyncio.to_thread(self.count_tokens, name, "")
        if parsed.provider == "embedded":
            await asyncio.to_thread(self._providers.engine(parsed.model).start)

    def window(self, name: str) -> int:
        """Tokens that prompt and answer may have together."""
        return self._tokens.window(ModelName.parse(name))

    def count_tokens(self, name: str, text: str) -> int:
        """Tokens of a text; exact for embedded models, else as `chains.models.tokens` tells."""
        return self._tokens.count(ModelName.parse(name), text)

    async def complete(
        self,
        step: StepSpec,
        messages: Sequence[BaseMessage],
        *,
        config: RunnableConfig | None = None,
        on_delta: Callable[[str], Awaitable[None]] | None = None,
    ) -> Completion:
        """Answer a step's messages: by its model, or by the first of its fallbacks that can.

        Args:
            step: Model, fallbacks and settings.
            messages: As the prompt rendered them.
            config: LangChain's, passed on: callbacks, tags, metadata.
            on_delta: Awaited with each piece of text as it comes; once it was called, no fallback takes over.

        Raises:
            ProviderError: The last model's failure; the earlier ones are in its notes.
            ConfigurationError: The step's own model cannot be opened.
        """
        (completion,) = await self.complete_many(step, messages, 1, config=config, on_delta=on_delta)
        return completion

    async def complete_many(
        self,
        step: StepSpec,
        messages: Sequence[BaseMessage],
        n: int,
        *,
        config: RunnableConfig | None = None,
        on_delta: Callable[[str], Awaitable[None]] | None = None,
    ) -> list[Completion]:
        """Up to `n` different answers to the same messages; at least one.

        A model that gives several answers to one call (the embedded engine) reads the prompt once.
        Others are called `n` times at once, with a seed of its own each, and a call that fails leaves the rest.

        Args:
            step: As `complete`.
            messages: As `complete`.
            n: How many.
            config: As `complete`.
            on_delta: Given the text of the first answer.

        Raises:
            ProviderError: As `complete`, when no call was answered.
            ConfigurationError: As `complete`.
        """
        journal = current_journal()
        if journal is None:
            return await self._first_that_can(step, messages, n, config, Deltas(on_delta))
        deltas = Deltas(on_delta)
        key = call_key(step, messages, n)
        completions = await journal.once(
            key,
            lambda: self._first_that_can(step, messages, n, config, deltas),
            on_found=lambda found: self._count_again(step, messages, n, found[0].model),
        )
        if deltas.wanted and not deltas.begun:  # the journal has no deltas
            await deltas.send(completions[0].text)
            completions[0] = replace(completions[0], streamed=True)
        return completions

    async def _first_that_can(
        self,
        step: StepSpec,
        messages: Sequence[BaseMessage],
        n: int,
        config: RunnableConfig | None,
        deltas: Deltas,
    ) -> list[Completion]:
        failed: list[RiddlewireError] = []
        for name in (step.model, *step.fallbacks):
            try:
                call = await self._call(ModelName.parse(name), step.settings)
                ask = partial(call.answers, n, messages, config, deltas)
                answers = await self._memory.answers(call, n, messages, deltas, ask)
            except (ProviderError, ConfigurationError) as error:
                failed.append(error)
                if deltas.begun or (isinstance(error, ConfigurationError) and len(failed) == 1):
                    raise
                _log.warning("model %s failed at step %s: %s", name, step.step, error)
            else:
                return [_completion(call.name, answer, tuple(failed)) for answer in answers]
        raise _last(failed)

    def _count_again(self, step: StepSpec, messages: Sequence[BaseMessage], n: int, answered: str) -> None:
        """Count the questions that came before a noted answer: to the model that gave it, and to those that failed."""
        for name in map(ModelName.parse, (step.model, *step.fallbacks)):
            self._memory.count(name, call_arguments(step.settings, name, self.settings.grammars), n, messages)
            if str(name) == answered:
                return

    async def aclose(self) -> None:
        """Close this loop's connections and end the embedded engines."""
        await self._providers.aclose()

    async def _call(self, name: ModelName, spec: ModelCallSpec) -> Call:
        arguments = call_arguments(spec, name, self.settings.grammars)
        secret = self._provider_settings(name.provider).api_key
        if not self._takes_call_arguments(name):
            key = (str(name), repr(arguments))
            chat = await asyncio.to_thread(self._kept, key, lambda: self._providers.open_langchain(name, arguments))
            call = Call(name, chat, arguments, self._admission, self._meter, limit_s=spec.timeout_s, secret=secret)
            return replace(call, built_in=frozenset(arguments) - {"stop"})
        opened = self._open.get(str(name))
        chat = opened if opened is not None else await asyncio.to_thread(self.get, str(name))
        limit_s = None if _keeps_time(chat) else spec.timeout_s
        return Call(name, chat, arguments, self._admission, self._meter, limit_s=limit_s, secret=secret)

    def _takes_call_arguments(self, name: ModelName) -> bool:
        known = name.provider in _OURS or self.settings.provider(name.provider).speaks_openai
        return known or str(name) in self._open

    def _kept(self, key: object, make: Callable[[], BaseChatModel]) -> BaseChatModel:
        chat = self._open.get(key)
        if chat is None:
            with self._opening:
                chat = self._open.get(key)
                if chat is None:
                    chat = self._open[key] = make()
        return chat


def _completion(name: ModelName, answer: Answer, failed: tuple[RiddlewireError, ...]) -> Completion:
    """An answer, made storable before anybody works with it: so whoever finds it noted later has the same text."""
    reason = answer.finish_reason
    return Completion(
        text=storable(answer.message.text),
        usage=answer.usage,
        model=str(name),
        finish_reason=None if reason is None else storable(str(reason)),
        streamed=answer.streamed,
        cached=answer.cached,
        failed=failed,
        engine_timings=answer.message.response_metadata.get("timings") or {},
    )


def _keeps_time(chat: BaseChatModel) -> bool:
    """Whether a model obeys the argument `timeout` for each attempt: ours do."""
    return bool(getattr(chat, "keeps_time", False))


def _last(failed: list[RiddlewireError]) -> RiddlewireError:
    provider_errors = [error for error in failed if isinstance(error, ProviderError)]
    last = provider_errors[-1]
    for error in failed:
        if error is not last:
            last.add_note(f"before that: {error}")
    return last
