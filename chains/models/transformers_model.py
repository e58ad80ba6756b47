"""A causal language model of Hugging Face `transformers`, in this process, as a LangChain chat model.

For base models and for models just trained. On a CPU it is several times slower than the embedded engine.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from chains.models.generation import Generated, Generator, Sampling

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun

_ROLES = {"human": "user", "ai": "assistant", "system": "system"}
_worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="transformers")
"""One generation at a time in the whole process: two would fight for the cores, and the seed is the process's."""


class TransformersChat(BaseChatModel):
    """Answers with a local causal language model.

    A single human message is continued as it stands, which is what base models need and what prompts of format
    `completion` render to. Several messages go through the model's chat template; a model without one gets their
    texts, one after another.

    Args:
        model_name: As it was named.
        chat_template: `auto` as told above; `always` puts a single message into the template too; `never` uses none.
        max_tokens: Where a call says nothing.
    """

    keeps_time: ClassVar[bool] = True

    model_name: str
    chat_template: Literal["auto", "always", "never"] = "auto"
    max_tokens: int = 256

    _generator: Generator = PrivateAttr()

    @classmethod
    def load(cls, name: str, *, threads: int, **fields: Any) -> TransformersChat:
        """Load a model: an id on the Hugging Face hub, a folder, or `smollm2-135m-instruct` from its GGUF file.

        Args:
            name: Which one.
            threads: For computing. As many as cores are several times slower as soon as one core is busy.
            fields: Of the chat model.

        Raises:
            MissingExtra: torch is not installed.
            UnknownModelName: There is no such model, or it is no causal language model.
        """
        generator = Generator.load(name, threads=threads)
        chat = cls(model_name=name, **fields)
        chat._generator = generator
        return chat

    @property
    def window(self) -> int:
        """Tokens of prompt and answer together."""
        return self._generator.window

    def count_tokens(self, text: str) -> int:
        """Tokens of a text, exactly."""
        return self._generator.count_tokens(text)

    @property
    def _llm_type(self) -> str:
        return "transformers"

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return {**super()._get_ls_params(stop=stop, **kwargs), **LangSmithParams(ls_provider="transformers")}

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name, "max_tokens": self.max_tokens}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 -- LangChain's signature
        **kwargs: Any,
    ) -> ChatResult:
        run = _Run(self._generator, self._prompt(messages, kwargs), self._sampling(stop, kwargs))
        return self._result(_worker.submit(run, _ignore).result())

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 -- LangChain's signature
        **kwargs: Any,
    ) -> ChatResult:
        run = _Run(self._generator, self._prompt(messages, kwargs), self._sampling(stop, kwargs))
        try:
            return self._result(await asyncio.get_running_loop().run_in_executor(_worker, run, _ignore))
        finally:
            run.cancel()

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        run = _Run(self._generator, self._prompt(messages, kwargs), self._sampling(stop, kwargs))
        pieces: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        future = _worker.submit(run, pieces.put)
        future.add_done_callback(lambda _: pieces.put(None))
        try:
            while (piece := pieces.get()) is not None:
                chunk = _chunk(piece)
                if run_manager:
                    run_manager.on_llm_new_token(piece, chunk=chunk)
                yield chunk
            yield self._last_chunk(future.result())
        finally:
            run.cancel()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        run = _Run(self._generator, self._prompt(messages, kwargs), self._sampling(stop, kwargs))
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[str | None] = asyncio.Queue()
        future = loop.run_in_executor(_worker, run, lambda text: loop.call_soon_threadsafe(pieces.put_nowait, text))
        future.add_done_callback(lambda _: pieces.put_nowait(None))
        try:
            while (piece := await pieces.get()) is not None:
                chunk = _chunk(piece)
                if run_manager:
                    await run_manager.on_llm_new_token(piece, chunk=chunk)
                yield chunk
            yield self._last_chunk(await future)
        finally:
            run.cancel()

    def _result(self, generated: Generated) -> ChatResult:
        message = AIMessage(
            content=generated.text,
            usage_metadata=generated.usage_metadata,
            response_metadata=self._metadata(generated),
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _last_chunk(self, generated: Generated) -> ChatGenerationChunk:
        message = AIMessageChunk(
            content="", usage_metadata=generated.usage_metadata, response_metadata=self._metadata(generated)
        )
        return ChatGenerationChunk(message=message)

    def _metadata(self, generated: Generated) -> dict[str, Any]:
        return {"model_name": self.model_name, "finish_reason": generated.finish_reason}

    def _sampling(self, stop: list[str] | None, settings: dict[str, Any]) -> Sampling:
        known = {key: settings[key] for key in ("temperature", "top_p", "seed") if settings.get(key) is not None}
        return Sampling(
            max_tokens=settings.get("max_tokens") or self.max_tokens,
            timeout_s=settings.get("timeout"),
            stop=tuple(stop or ()),
            **known,
        )

    def _prompt(self, messages: list[BaseMessage], settings: dict[str, Any]) -> str:
        use = settings.get("chat_template", self.chat_template)
        single = len(messages) == 1 and isinstance(messages[0], HumanMessage)
        if use == "never" or not self._generator.has_template or (use == "auto" and single):
            return "\n\n".join(message.text for message in messages)
        return self._generator.render(
            [{"role": _ROLES.get(message.type, "user"), "content": message.text} for message in messages]
        )


class _Run:
    """One generation, to be called in the worker thread, and to be cancelled from any."""

    def __init__(self, generator: Generator, prompt: str, sampling: Sampling) -> None:
        self._generator = generator
        self._prompt = prompt
        self._sampling = sampling
        self._cancelled = threading.Event()

    def __call__(self, emit: Callable[[str], Any]) -> Generated:
        return self._generator.generate(self._prompt, self._sampling, emit, self._cancelled)

    def cancel(self) -> None:
        self._cancelled.set()


def _chunk(piece: str) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(content=piece))


def _ignore(_: str) -> None:
    return
