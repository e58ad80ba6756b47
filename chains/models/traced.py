"""`ChatOpenAI` that opens its runs under a pipeline's at half the cost, and names its provider as we do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.globals import get_llm_cache
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import LLMResult
from langchain_core.runnables.config import ensure_config, get_async_callback_manager_for_config
from langchain_core.tracers.base import BaseTracer
from langchain_core.utils.utils import LC_ID_PREFIX
from langchain_openai import ChatOpenAI

from chains.callbacks import inherited, llm_ended

if TYPE_CHECKING:
    from langchain_core.callbacks import AsyncCallbackManager, AsyncCallbackManagerForLLMRun
    from langchain_core.language_models import LanguageModelInput
    from langchain_core.outputs import ChatResult
    from langchain_core.runnables import RunnableConfig


_STRUCTURED = frozenset({"ls_structured_output_format", "structured_output_format"})


class TracedChat(ChatOpenAI):
    """Answers as `ChatOpenAI` does; callbacks are told the same.

    Args:
        provider: Before the colon of the model's name: in errors, traces and metrics.
    """

    provider: str = "openai"

    async def ainvoke(
        self,
        input: LanguageModelInput,  # noqa: A002 -- LangChain's name
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """As every chat model's; a child of a pipeline's run takes over that run's callbacks as they are."""
        callbacks = inherited(config)
        if config is None or callbacks is None or self._is_special(callbacks, kwargs):
            return await super().ainvoke(input, config, stop=stop, **kwargs)
        messages = _messages(input) or self._convert_input(input).to_messages()
        run = await self._open_run(callbacks, messages, config, stop, kwargs)
        try:
            result = await self._ask(messages, stop, run, kwargs)
        except BaseException as error:
            await run.on_llm_error(error, response=LLMResult(generations=[]))
            raise
        await llm_ended(run, LLMResult(generations=[result.generations], llm_output=result.llm_output))
        message = result.generations[0].message
        assert isinstance(message, AIMessage)
        return message

    async def _ask(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        run: AsyncCallbackManagerForLLMRun,
        arguments: dict[str, Any],
    ) -> ChatResult:
        """Make the call; LangChain does it where a listener wants an answer in pieces."""
        how: dict[str, Any] = {"async_api": True, "run_manager": run, **arguments}
        if self._should_stream(**how) or self._should_use_protocol_streaming(**how):
            return await self._agenerate_with_cache(messages, stop=stop, run_manager=run, **arguments)
        result = await self._agenerate(messages, stop=stop, run_manager=run, **arguments)
        _describe(result, run)
        return result

    def _is_special(self, callbacks: AsyncCallbackManager, arguments: dict[str, Any]) -> bool:
        """Whether a call is left to LangChain: anything that it does around a call besides making it.

        That is callbacks of the model's own, caches, rate limits, tracers, other forms of messages, and answers with a
        schema.
        """
        return (
            bool(self.callbacks or self.verbose or self.cache or self.rate_limiter)
            or self.output_version == "v1"
            or get_llm_cache() is not None
            or not _STRUCTURED.isdisjoint(arguments)
            or any(isinstance(handler, BaseTracer) for handler in callbacks.handlers)
        )

    def _callbacks(self, config: RunnableConfig | None) -> AsyncCallbackManager:
        return inherited(config) or get_async_callback_manager_for_config(ensure_config(config))

    async def _open_run(
        self,
        callbacks: AsyncCallbackManager,
        messages: list[BaseMessage],
        config: RunnableConfig | None,
        stop: list[str] | None,
        arguments: dict[str, Any],
    ) -> AsyncCallbackManagerForLLMRun:
        callbacks = callbacks.copy()
        callbacks.add_tags(self.tags or [], inherit=False)
        described = self._get_ls_params_with_defaults(stop=stop, **arguments)
        callbacks.add_metadata({**described, **(self.metadata or {})}, inherit=False)
        given = config or {}
        (run,) = await callbacks.on_chat_model_start(
            self._serialized,
            [messages],
            invocation_params=self._get_invocation_params(stop=stop, **arguments),
            options={"stop": stop},
            name=given.get("run_name"),
            run_id=given.get("run_id"),
            batch_size=1,
        )
        return run

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        """What traces and metrics name the call: our provider, so that `vllm:x` is not taken for OpenAI's."""
        limit = kwargs.get("max_tokens", self.max_tokens)
        temperature = kwargs.get("temperature", self.temperature)
        params = LangSmithParams(
            ls_provider=self.provider, ls_model_name=kwargs.get("model", self.model_name), ls_model_type="chat"
        )
        if temperature is not None:
            params["ls_temperature"] = temperature
        if limit is not None:
            params["ls_max_tokens"] = limit
        if stop:
            params["ls_stop"] = stop
        return params


def _messages(given: LanguageModelInput) -> list[BaseMessage]:
    """A list of messages, when it is one; else nothing."""
    is_list = isinstance(given, list) and all(isinstance(one, BaseMessage) for one in given)
    return [*given] if is_list else []


def _describe(result: ChatResult, run: AsyncCallbackManagerForLLMRun) -> None:
    """Give messages the id and metadata that LangChain gives them after a call."""
    for index, generation in enumerate(result.generations):
        message = generation.message
        message.id = message.id or f"{LC_ID_PREFIX}-{run.run_id}-{index}"
        shared = result.llm_output if len(result.generations) == 1 else None
        message.response_metadata = {
            **(shared or {}),
            **(generation.generation_info or {}),
            **message.response_metadata,
        }
