"""The client for every OpenAI-compatible service: LangChain's own, on a transport at a tenth of its CPU."""

from __future__ import annotations

import re
from contextlib import aclosing
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, LLMResult
from pydantic import PrivateAttr, SecretStr

from chains.callbacks import llm_ended
from chains.models.choices import Choices
from chains.models.messages import plain_messages
from chains.models.nonsense import nonsense_is_a_bad_answer
from chains.models.proxies import proxy_for
from chains.models.retries import RetryPolicy
from chains.models.sessions import Sessions
from chains.models.settings import ProviderSettings
from chains.models.synchronous import SynchronousToo
from chains.models.transport import Endpoint, post, stream
from domain.errors import ProviderBadAnswer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
    from langchain_core.messages import BaseMessage, BaseMessageChunk
    from langchain_core.outputs import ChatGenerationChunk, ChatResult
    from langchain_core.runnables import RunnableConfig

_OFFICIAL = "https://api.openai.com/"
_HEADERS = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "accept-encoding": "identity",  # bodies are small, and a compressed one could unpack to gigabytes
    "user-agent": "riddlewire",
}
_RENAMES_ROLES = re.compile(r"o\d")
"""Models to which LangChain sends what is the system's as the developer's."""
_process_sessions = Sessions()


class OpenAICompatibleChat(SynchronousToo):
    """`ChatOpenAI` whose chat completions go through one `aiohttp` session for each event loop.

    Takes everything `ChatOpenAI` takes, streams usage by default, and raises `ProviderError` leaves. Calls that need
    the Responses API, a `response_format` or a key from a function are left to `ChatOpenAI` and the openai SDK.

    Args:
        most_choices: How many answers the service gives to one call (`n`).
        limits: Timeouts, retries and the longest answer (`base_url` and `api_key` in it are not looked at).
        anonymous: Send no `Authorization` header; `api_key` is then a placeholder.
    """

    keeps_time: ClassVar[bool] = True

    most_choices: int = 1
    limits: ProviderSettings = ProviderSettings()
    anonymous: bool = False

    _sessions: Sessions = PrivateAttr(default_factory=lambda: _process_sessions)
    _endpoint: Endpoint | None = PrivateAttr(default=None)
    _retries: RetryPolicy = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Prepare what every call needs."""
        super().model_post_init(context)
        retries = self.limits.max_retries if self.max_retries is None else self.max_retries
        self._retries = RetryPolicy(max_retries=retries, max_wait_s=self.limits.max_retry_wait_s)

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """No: LangChain would load it as another class."""
        return False

    def use_sessions(self, sessions: Sessions) -> None:
        """Share connections with other models, instead of those of the whole process."""
        self._sessions = sessions

    async def endpoint(self) -> Endpoint:
        """Where calls go; a subclass may first have to start what answers there."""
        if self._endpoint is None:
            self._endpoint = self._make_endpoint(str(self.root_async_client.base_url))
        return self._endpoint

    async def achoices(
        self,
        messages: list[BaseMessage],
        n: int,
        config: RunnableConfig | None = None,
        on_delta: Callable[[str], Awaitable[None]] | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> list[AIMessage]:
        """`n` answers of one call, whose prompt is read, and paid, once; fewer from a service that cannot.

        Streamed, because llama.cpp counts the tokens of all answers only then; the first answer carries the usage of
        all, and `on_delta` is given its text as it comes.
        """
        arguments = {**kwargs, "n": n}
        payload = self._get_request_payload(
            messages, stop=stop, **arguments, stream=True, stream_options={"include_usage": True}
        )
        run = await self._open_run(self._callbacks(config), messages, config, stop, arguments)
        try:
            answers = await self._read_choices(payload, run, on_delta)
        except BaseException as error:
            await run.on_llm_error(error, response=LLMResult(generations=[]))
            raise
        await llm_ended(run, LLMResult(generations=[[ChatGeneration(message=answer) for answer in answers]]))
        return answers

    async def _read_choices(
        self,
        payload: dict[str, Any],
        run: AsyncCallbackManagerForLLMRun,
        on_delta: Callable[[str], Awaitable[None]] | None,
    ) -> list[AIMessage]:
        choices = Choices(lambda piece: self._chunk(piece, AIMessageChunk))
        async with aclosing(self._stream_lean(payload)) as pieces:
            async for piece in pieces:
                with nonsense_is_a_bad_answer(self.provider, "chunk"):
                    told = choices.add(piece)
                for chunk in told:
                    await run.on_llm_new_token(chunk.text, chunk=chunk)
                    if on_delta is not None and chunk.text:
                        await on_delta(chunk.text)
        with nonsense_is_a_bad_answer(self.provider, "chunk"):
            answers = choices.answers()
        if not answers:
            raise ProviderBadAnswer(self.provider, "a completion without choices")
        return list(answers)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        payload = self._get_request_payload(messages, stop=stop, **kwargs)
        if self._needs_the_sdk(payload):
            return await super()._agenerate(messages, stop, run_manager, **kwargs)
        endpoint = (await self.endpoint()).for_call(payload)
        answer = await self._retries.call(post, self._sessions, endpoint, payload)
        return self._result(answer)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        *,
        stream_usage: bool | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        kwargs["stream"] = True
        if self._should_stream_usage(stream_usage, **kwargs):
            kwargs["stream_options"] = {"include_usage": True}
        payload = self._get_request_payload(messages, stop=stop, **kwargs)
        if self._needs_the_sdk(payload):
            async for chunk in super()._astream(messages, stop, run_manager, stream_usage=stream_usage, **kwargs):
                yield chunk
            return
        kind: type[BaseMessageChunk] = AIMessageChunk
        async with aclosing(self._stream_lean(payload)) as pieces:
            async for piece in pieces:
                made = self._chunk(piece, kind)
                if made is None:
                    continue
                kind = type(made.message)
                if run_manager:
                    await run_manager.on_llm_new_token(made.text, chunk=made)
                yield made

    async def _stream_lean(self, payload: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        endpoint = (await self.endpoint()).for_call(payload)
        # Only the part up to the first piece is tried again: what has been shown cannot be taken back.
        first, rest = await self._retries.call(_begin, self._sessions, endpoint, payload)
        try:
            while first is not None:
                yield first
                first = await anext(rest, None)
        finally:
            await rest.aclose()

    def _should_stream_usage(self, stream_usage: bool | None = None, **kwargs: Any) -> bool:
        """Yes unless told otherwise: cost and budgets need it, and today's services know the option."""
        chosen = (stream_usage, (kwargs.get("stream_options") or {}).get("include_usage"), self.stream_usage)
        return next((choice for choice in chosen if choice is not None), True)

    def _get_request_payload(self, input_: Any, *, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        payload = self._plain_payload(input_, stop=stop, **kwargs)
        if payload is None:
            payload = super()._get_request_payload(input_, stop=stop, **kwargs)
        if not self._is_official and "max_completion_tokens" in payload:
            payload["max_tokens"] = payload.pop("max_completion_tokens")  # the name every other service knows
        return payload

    def _plain_payload(self, input_: Any, **more: Any) -> dict[str, Any] | None:
        """LangChain's payload for messages that are text and nothing else; None when there are others.

        It looks at every letter of an assistant's message for what may be a block, and few-shot prompts have many.
        """
        messages = plain_messages(input_)
        if messages is None or _RENAMES_ROLES.match(self.model_name):
            return None
        payload: dict[str, Any] = super()._get_request_payload([], **more)
        if "messages" not in payload:  # it is one for the Responses API
            return None
        payload["messages"] = messages
        return payload

    @cached_property
    def _is_official(self) -> bool:
        return str(self.root_async_client.base_url).startswith(_OFFICIAL)

    def _needs_the_sdk(self, payload: dict[str, Any]) -> bool:
        return (
            "response_format" in payload
            or not isinstance(self.openai_api_key, SecretStr)
            or self._use_responses_api(payload)
        )

    def _make_endpoint(self, root: str) -> Endpoint:
        assert isinstance(self.openai_api_key, SecretStr)
        key = "" if self.anonymous else self.openai_api_key.get_secret_value()
        headers = {**_HEADERS, **(self.default_headers or {})}
        if key:
            headers["authorization"] = f"Bearer {key}"
        if self.openai_organization:
            headers["openai-organization"] = self.openai_organization
        return Endpoint.of(
            self.limits,
            provider=self.provider,
            url=f"{root.rstrip('/')}/chat/completions",
            headers=headers,
            secrets=(key,) if key else (),
            timeout_s=self.request_timeout,
            proxy=self.openai_proxy or proxy_for(root),
        )

    def _result(self, answer: dict[str, Any]) -> ChatResult:
        if not answer.get("choices"):
            raise ProviderBadAnswer(self.provider, "a completion without choices")
        with nonsense_is_a_bad_answer(self.provider):
            return self._create_chat_result(answer)

    def _chunk(self, chunk: dict[str, Any], kind: type[BaseMessageChunk]) -> ChatGenerationChunk | None:
        with nonsense_is_a_bad_answer(self.provider, "chunk"):
            return self._convert_chunk_to_generation_chunk(chunk, kind, {})


async def _begin(
    sessions: Sessions, endpoint: Endpoint, payload: dict[str, Any]
) -> tuple[dict[str, Any] | None, AsyncGenerator[dict[str, Any], None]]:
    chunks = stream(sessions, endpoint, payload)
    return await anext(chunks, None), chunks
