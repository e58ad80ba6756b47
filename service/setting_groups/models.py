"""How models are reached and their answers kept: providers, the embedded engine, the cache."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 -- pydantic reads the annotations
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator

from service.setting_groups.group import Group, PositiveInt, Seconds, check_http_url


class ProviderGroup(Group):
    """How one model provider is reached; given as JSON in `RIDDLEWIRE_PROVIDERS_<NAME>`."""

    base_url: str | None = Field(None, description="Root of the API, such as `http://localhost:8000/v1`.")
    protocol: Literal["openai", "native"] = Field(
        "openai",
        description="`openai`: with a `base_url` it is an OpenAI-compatible service, whatever its name; `native`: "
        "LangChain's own integration of that name.",
    )
    api_key: SecretStr | None = Field(None, description="Sent to this provider only; never logged.")
    max_concurrency: PositiveInt | None = Field(
        None, description="Calls in flight at once, of each process; unset is 256."
    )
    shared_concurrency: PositiveInt | None = Field(
        None, description="Calls in flight at once, of all processes together; unset is no limit."
    )
    requests_per_minute: PositiveInt | None = Field(
        None, description="Requests in any minute, further tries too, of all processes together; unset is no limit."
    )
    tokens_per_minute: PositiveInt | None = Field(
        None, description="Tokens in any minute, read and written, of all processes together; unset is no limit."
    )
    max_wait_s: Seconds = Field(
        20.0,
        description="Seconds that a call waits for these limits, or for the end of a pause that the provider asked "
        "for, while somebody waits for its answer. Batches wait as long as it takes.",
    )
    timeout_s: Seconds = Field(60.0, description="Seconds for one attempt where the pipeline's step names none.")
    max_retries: Annotated[int, Field(ge=0, le=20)] = Field(
        2, description="Tries after the first, on 429, 5xx, timeouts and broken connections only."
    )
    context_tokens: PositiveInt | None = Field(
        None, description="Window of this provider's models where it cannot be known otherwise."
    )

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        return check_http_url(value)


class EngineGroup(Group):
    """The embedded engine: a small model in this process."""

    threads: PositiveInt | None = Field(
        None, description="Threads for generating; unset is one fewer than the machine has cores."
    )
    batch_threads: PositiveInt | None = Field(
        None, description="Threads for reading prompts and for answers side by side; unset is as many as generate."
    )
    parallel: PositiveInt = Field(4, description="Answers generated at once.")
    context: Annotated[int, Field(ge=512)] = Field(
        2048, description="Tokens of one slot, prompt and answer together. Memory grows with slots times tokens."
    )
    prompt_cache_mib: Annotated[int, Field(ge=0)] = Field(
        128, description="MiB for prompts that left their slot, so that a shared beginning is read once."
    )
    adapters: dict[str, Path] = Field(
        default_factory=dict,
        description='LoRA adapters (GGUF files) by name, as JSON: `{"house-style": "/srv/a.gguf"}`.',
    )


class CacheSettings(Group):
    """The cache of finished steps: the same question to the same model is answered from the database."""

    enabled: bool = Field(default=True, description="Whether answers of models are kept and given again.")
    days: Annotated[float, Field(gt=0, le=3650)] = Field(30.0, description="Days that an answer is given again.")
    max_rows: PositiveInt = Field(
        100_000, description="Answers kept; above it those that were not used for longest go, once an hour."
    )
