"""What an operator may set about models. Plain values: nobody here reads the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """How one provider is reached and how hard it is pressed.

    Args:
        base_url: Root of the API, such as `http://localhost:8000/v1`; None is the provider's own.
        protocol: `openai` takes a provider with a `base_url` for an OpenAI-compatible service, whatever its name
            (`vllm:my-model`); `native` leaves it to LangChain's own integration of that name.
        api_key: Sent to this provider only and never shown; None sends none to a `base_url` of yours.
        max_concurrency: Calls in flight at once from one event loop; None is 256 (1 for `transformers`,
            the number of slots for `embedded`).
        timeout_s: Upper limit of one attempt where the step names none, in seconds.
        connect_timeout_s: Until a connection stands.
        stall_timeout_s: Longest silence while an answer is read; None is the whole `timeout_s`.
        max_retries: Tries after the first, on 429, 5xx, timeouts and connection errors only.
        max_retry_wait_s: Longest single wait between tries. A `Retry-After` above it is not waited for.
        max_response_bytes: A longer answer is refused.
        context_tokens: Window of this provider's models where it cannot be known otherwise.
    """

    base_url: str | None = None
    protocol: Literal["openai", "native"] = "openai"
    api_key: str | None = field(default=None, repr=False)
    max_concurrency: int | None = None
    timeout_s: float = 60.0
    connect_timeout_s: float = 10.0
    stall_timeout_s: float | None = None
    max_retries: int = 2
    max_retry_wait_s: float = 20.0
    max_response_bytes: int = 8 * 1024 * 1024
    context_tokens: int | None = None

    @property
    def speaks_openai(self) -> bool:
        """Whether this is an OpenAI-compatible service at an address of its own."""
        return self.base_url is not None and self.protocol == "openai"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """The embedded engine (llama.cpp in this process).

    Args:
        threads: For generating; None is one fewer than the machine's cores, because a busy core slows
            as many threads as there are cores several times.
        batch_threads: For reading prompts and for answers generated side by side; None is the same as `threads`.
        parallel: Slots: how many answers are generated at once.
        context: Tokens of one slot, prompt and answer together. Memory grows with `parallel * context`.
        prompt_cache_mib: Memory for prompts that left their slot, so that a shared prefix is read once.
        slot_similarity: Share of a prompt that must equal a slot's for that slot to be picked first.
        adapters: LoRA adapters (GGUF files) by name; a step asks for one in its settings' `extra.adapter`.
    """

    threads: int | None = None
    batch_threads: int | None = None
    parallel: int = 4
    context: int = 2048
    prompt_cache_mib: int = 128
    slot_similarity: float = 0.1
    adapters: Mapping[str, Path] = field(default_factory=dict)

    @property
    def decode_threads(self) -> int:
        """Threads for generating."""
        return self.threads or max(1, _cores() - 1)

    @property
    def prefill_threads(self) -> int:
        """Threads for reading prompts and for batches."""
        return self.batch_threads or self.decode_threads


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """Everything `ChatModels` is given.

    Args:
        providers: By the name before the colon.
        engine: The embedded engine.
        prices: A price table of your own (same form as the shipped one), laid over it.
        grammars: A folder of GBNF grammars of your own, looked at before the shipped ones.
    """

    providers: Mapping[str, ProviderSettings] = field(default_factory=dict)
    engine: EngineSettings = field(default_factory=EngineSettings)
    prices: Path | None = None
    grammars: Path | None = None

    def provider(self, name: str) -> ProviderSettings:
        """The settings of a provider; the defaults where none are given."""
        return self.providers.get(name) or ProviderSettings()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
