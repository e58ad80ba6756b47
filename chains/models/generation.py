"""Runs a causal language model of `transformers`: loading, prompts to tokens, sampling, stopping."""

from __future__ import annotations

import copy
import importlib.util
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.messages.ai import UsageMetadata

from chains.models.gguf_location import DEFAULT_MODEL, locate_gguf
from chains.models.stop_texts import StopTexts
from domain.errors import MissingExtra, ProviderBadAnswer, ProviderTimedOut, UnknownModelName

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

_PROVIDER = "transformers"
_SHORTEST_WINDOW = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How tokens are chosen and when it ends.

    Args:
        max_tokens: At most so many.
        temperature: None leaves sampling to the model's own configuration; 0 takes the likeliest token.
        top_p: Nucleus; None is the model's own.
        seed: The same seed gives the same text on the same machine.
        stop: Texts that end the answer and are not part of it.
        timeout_s: None waits for ever.
    """

    max_tokens: int
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """A generated text with its token counts."""

    text: str
    input_tokens: int
    output_tokens: int
    finish_reason: str

    @property
    def usage_metadata(self) -> UsageMetadata:
        """In LangChain's form."""
        return UsageMetadata(
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            total_tokens=self.input_tokens + self.output_tokens,
        )


class Generator:
    """A loaded model with its tokenizer.

    Args:
        model: A `transformers` causal language model.
        tokenizer: Its tokenizer.
        threads: For computing.
    """

    def __init__(self, model: Any, tokenizer: Any, *, threads: int) -> None:
        self._threads = threads
        self._model = model
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, name: str, *, threads: int) -> Generator:
        """Load by hub id or folder; `smollm2-135m-instruct` from the installed GGUF file.

        Raises:
            MissingExtra: torch is not installed.
            UnknownModelName: It cannot be loaded.
        """
        model, tokenizer = load_causal_model(name, threads=threads)
        return cls(model, tokenizer, threads=threads)

    @property
    def window(self) -> int:
        """Tokens of prompt and answer together."""
        return int(getattr(self._model.config, "max_position_embeddings", None) or _SHORTEST_WINDOW)

    @property
    def has_template(self) -> bool:
        """Whether the model was trained for chat and brings its template."""
        return bool(self._tokenizer.chat_template)

    def count_tokens(self, text: str) -> int:
        """Tokens of a text, without those at the ends."""
        return len(self._tokenizer.encode(text, add_special_tokens=False))

    def render(self, messages: list[dict[str, str]]) -> str:
        """Messages in the model's chat template, ready for the answer."""
        text = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return str(text)

    def generate(
        self, prompt: str, sampling: Sampling, emit: Callable[[str], Any], cancelled: threading.Event
    ) -> Generated:
        """Continue a prompt; `emit` gets pieces of text as they become sure. Blocks: call it in a thread.

        Raises:
            ProviderBadAnswer: The prompt is longer than the window allows.
            ProviderTimedOut: `timeout_s` is over.
        """
        import torch

        inputs = self._tokenizer(prompt, return_tensors="pt", add_special_tokens=not self._begins_special(prompt))
        read = int(inputs["input_ids"].shape[1])
        if read + sampling.max_tokens > self.window:
            reason = f"{read} prompt and {sampling.max_tokens} answer tokens exceed the window of {self.window}"
            raise ProviderBadAnswer(_PROVIDER, reason)
        output = _Output(self._tokenizer, sampling, emit, cancelled)
        torch.set_num_threads(self._threads)  # OpenMP keeps the number for each thread
        if sampling.seed is not None:
            torch.manual_seed(sampling.seed)
        with torch.inference_mode():
            self._model.generate(
                **inputs.to(self._model.device),
                generation_config=self._configuration(sampling),
                streamer=output,
                stopping_criteria=[output.must_stop],
            )
        return output.finish(read)

    def _begins_special(self, prompt: str) -> bool:
        """Whether a rendered template already holds the token that texts begin with."""
        first = self._tokenizer.bos_token
        return bool(first) and prompt.startswith(first)

    def _configuration(self, sampling: Sampling) -> Any:
        configuration = copy.deepcopy(self._model.generation_config)
        changes: dict[str, Any] = {"max_new_tokens": sampling.max_tokens, "max_length": None}
        if sampling.temperature == 0:
            changes |= {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        elif sampling.temperature is not None:
            changes |= {"do_sample": True, "temperature": sampling.temperature}
        if sampling.top_p is not None and sampling.temperature != 0:
            changes |= {"top_p": sampling.top_p}
        if configuration.pad_token_id is None:
            changes |= {"pad_token_id": self._tokenizer.pad_token_id or self._tokenizer.eos_token_id}
        configuration.update(**changes)
        return configuration


class _Output:
    """Receives tokens one by one (a `transformers` streamer), makes text of them and says when it is enough."""

    def __init__(
        self, tokenizer: Any, sampling: Sampling, emit: Callable[[str], Any], cancelled: threading.Event
    ) -> None:
        self._tokenizer = tokenizer
        self._sampling = sampling
        self._emit = emit
        self._cancelled = cancelled
        self._ends = time.monotonic() + (sampling.timeout_s or float("inf"))
        self._tokens: list[int] = []
        self._shown = 0
        self._text = ""
        self._stops = StopTexts(sampling.stop)
        self._prompt_seen = False
        self._late = False

    def put(self, value: Any) -> None:
        """The prompt's tokens first, then each new one."""
        if not self._prompt_seen:
            self._prompt_seen = True
            return
        self._tokens.extend(value.reshape(-1).tolist())
        text = self._tokenizer.decode(self._tokens, skip_special_tokens=True)
        if not text.endswith("\ufffd"):  # half a character: its other bytes are in the next token
            self._send(self._stops.feed(text[self._shown :]))
            self._shown = len(text)

    def end(self) -> None:
        """No more tokens."""

    def must_stop(self, *_: Any, **__: Any) -> bool:
        """A `transformers` stopping criterion."""
        self._late = time.monotonic() > self._ends
        return self._stops.reached or self._late or self._cancelled.is_set()

    def finish(self, input_tokens: int) -> Generated:
        """All that came.

        Raises:
            ProviderTimedOut: The time was over before the answer.
        """
        if self._late and not self._stops.reached:
            raise ProviderTimedOut(_PROVIDER, f"no whole answer within {self._sampling.timeout_s:g} s")
        if not self._stops.reached:
            rest = self._tokenizer.decode(self._tokens, skip_special_tokens=True)[self._shown :]
            self._send(self._stops.feed(rest) + self._stops.close())
        full = len(self._tokens) >= self._sampling.max_tokens and not self._stops.reached
        return Generated(
            text=self._text,
            input_tokens=input_tokens,
            output_tokens=len(self._tokens),
            finish_reason="length" if full else "stop",
        )

    def _send(self, piece: str) -> None:
        if piece:
            self._text += piece
            self._emit(piece)


def load_causal_model(name: str, *, threads: int | None = None) -> tuple[Any, Any]:
    """A causal language model, ready to answer, and its tokenizer; on a GPU when torch sees one.

    Args:
        name: A folder, an id on the Hugging Face hub, a `.gguf` file or `smollm2-135m-instruct`. GGUF files are
            unpacked every time, which takes half a minute and more: a folder is faster.
        threads: For computing; None leaves it to torch. As many as cores are several times slower as soon as one core
            is busy.

    Raises:
        MissingExtra: torch is not installed.
        UnknownModelName: There is no such model, or it is no causal language model.
    """
    if importlib.util.find_spec("torch") is None:
        raise MissingExtra(f"model 'transformers:{name}'", "local")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    if threads is not None:
        torch.set_num_threads(threads)
    if not sys.stderr.isatty():
        logging.disable_progress_bar()
    source, options = _source(name)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
        model = AutoModelForCausalLM.from_pretrained(source, dtype="auto", **options)
    except (OSError, ValueError, ImportError, KeyError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UnknownModelName(f"{_PROVIDER}:{name}", reason) from error
    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval(), tokenizer


def _source(name: str) -> tuple[str, dict[str, str]]:
    if name == DEFAULT_MODEL or name.endswith(".gguf"):
        path = locate_gguf(name)
        return str(path.parent), {"gguf_file": path.name}
    folder = Path(name).expanduser()
    return (str(folder) if folder.is_dir() else name), {}
