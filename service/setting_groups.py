"""The groups of settings: frozen, every one described, unknown names refused."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 -- pydantic reads the annotations
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, SecretStr, field_validator

PositiveInt = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Group(BaseModel):
    """Settings that belong together; an environment variable names the group, then the setting."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LimitSettings(Group):
    """What one caller, and all callers together, may ask for."""

    body_bytes: PositiveInt = Field(2 * 1024 * 1024, description="Largest request body in bytes; larger ones get 413.")
    in_flight: PositiveInt = Field(
        512, description="Riddles being made at once in one process; above it callers get 503 with `Retry-After`."
    )
    rate: str | None = Field(
        None,
        description="Rate of keys that have none of their own, such as `60/minute`; unset is no limit. Counted in each "
        "process by itself: with `RIDDLEWIRE_PROCESSES=2` a key gets up to twice its rate.",
    )
    batch_bytes: PositiveInt = Field(64 * 1024 * 1024, description="Largest batch in bytes; larger ones get 413.")
    batch_articles: PositiveInt = Field(50_000, description="Most articles in one batch.")
    guesses: str = Field(
        "30/hour", description="Different guesses that one reader has at one riddle; above it the reader gets 429."
    )
    guesses_keep_days: PositiveInt = Field(
        90, description="Days that guesses are kept; who has solved a riddle, and how many, stays."
    )
    import_bytes: PositiveInt = Field(
        64 * 1024 * 1024, description="Largest JSONL import of examples in bytes; it is read as a stream."
    )
    keepalive_s: Seconds = Field(
        15.0,
        description="Seconds of silence in an event stream before a comment is sent, so that proxies keep it open.",
    )
    drain_s: Seconds = Field(30.0, description="Seconds that accepted requests get to finish when the service stops.")

    @field_validator("rate")
    @classmethod
    def _rate_reads(cls, value: str | None) -> str | None:
        return None if value is None or not value.strip() else _checked_rate(value)

    @field_validator("guesses")
    @classmethod
    def _guesses_read(cls, value: str) -> str:
        return _checked_rate(value)


class JobSettings(Group):
    """Batches and everything else that is worked on in the background."""

    work: bool = Field(
        default=True,
        description="Whether serving processes do jobs themselves. Turn it off on PostgreSQL where `riddlewire work` "
        "processes do.",
    )
    concurrency: PositiveInt = Field(16, description="Articles worked on at once in one process.")
    waiting: PositiveInt = Field(
        100_000, description="Articles that may wait in all; a batch that would go above is refused with 503."
    )
    patience_s: Seconds = Field(
        6 * 3600.0, description="Seconds an article waits for a provider or a database that is down before it fails."
    )
    dead_after_s: Annotated[float, Field(ge=1, allow_inf_nan=False)] = Field(
        15.0, description="Seconds without a sign of life after which other workers go on with a worker's articles."
    )
    stuck_after_s: Seconds = Field(
        900.0,
        description="Seconds in which none of a worker's articles gets on after which it counts as stuck: `/livez` of "
        "`riddlewire work` answers 503 then, so that it is restarted. Longer than the longest model call.",
    )
    late_after_s: Seconds = Field(
        24 * 3600.0, description="Seconds that an article may wait before `/readyz` calls the jobs degraded."
    )
    dedup_hours: Annotated[float, Field(ge=0)] = Field(
        24.0,
        description="Articles with the same text as one worked on in the last so many hours get its riddle; 0 shares "
        "within a batch only.",
    )
    keep_days: PositiveInt = Field(30, description="Days that finished batches are kept; their riddles stay.")


class WebhookSettings(Group):
    """How webhooks are delivered."""

    allow_private: bool = Field(
        default=False,
        description="Also sends to private networks and this machine, on every port. Whoever may make batches can then "
        "have requests sent to what is there. Link-local addresses and metadata services of clouds stay refused.",
    )
    timeout_s: Seconds = Field(15.0, description="Seconds a receiver gets for its answer to one attempt.")
    concurrency: PositiveInt = Field(
        16, description="Attempts at once in one process; a single receiver gets a quarter of them."
    )
    keep_days: PositiveInt = Field(
        30, description="Days that deliveries, with their secrets, are kept for the log and for redelivery."
    )


class LogSettings(Group):
    """What is logged and how it looks. Article text, riddles and secrets are never logged."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least important lines shown.")
    format: Literal["auto", "json", "console"] = Field(
        "auto",
        description="`json`: one object a line; `console`: for people; `auto`: console on a terminal, else json.",
    )


class TracingSettings(Group):
    """OpenTelemetry traces; needs the extra `telemetry`."""

    exporter: Literal["none", "otlp", "console"] = Field(
        "none",
        description="Where spans go. `otlp` sends them over HTTP as the standard `OTEL_EXPORTER_OTLP_*` variables say.",
    )
    sample: float = Field(1.0, ge=0.0, le=1.0, description="Share of traces that are kept, from 0 to 1.")
    content: bool = Field(
        default=False,
        description="Puts prompts and answers, so article text too, into the spans. Off unless you need it.",
    )


class BudgetSettings(Group):
    """What model calls may cost in a UTC day; keys have budgets of their own (`riddlewire keys create --daily-usd`)."""

    daily_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        None,
        description="US dollars that all model calls together may cost in a UTC day; then those that cost get 429; "
        "unset is no limit.",
    )
    pipelines: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(
        default_factory=dict, description='The same by pipeline, as JSON: `{"openai": 5}`.'
    )


class CacheSettings(Group):
    """The cache of finished steps: the same question to the same model is answered from the database."""

    enabled: bool = Field(default=True, description="Whether answers of models are kept and given again.")
    days: Annotated[float, Field(gt=0, le=3650)] = Field(30.0, description="Days that an answer is given again.")
    max_rows: PositiveInt = Field(
        100_000, description="Answers kept; above it those that were not used for longest go, once an hour."
    )


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


class FeedSettings(Group):
    """Feeds: where they may read, and how much at once."""

    schedule: bool = Field(
        default=True, description="Whether serving processes pull feeds by their schedules; off leaves it to others."
    )
    pulls: PositiveInt = Field(4, description="Feeds pulled at once in one process; of one host never more than one.")
    articles: PositiveInt = Field(
        50, description="New articles that one pull takes; the next pull goes on with the rest."
    )
    pull_s: Annotated[float, Field(gt=0, le=600)] = Field(
        300.0, description="Seconds for one pull; the next one goes on with what was not done by then."
    )
    fetch_s: Seconds = Field(20.0, description="Seconds for one feed or page.")
    pause_s: Annotated[float, Field(ge=0, le=60)] = Field(
        1.0, description="Seconds between two requests to the same host."
    )
    memory_days: PositiveInt = Field(
        7,
        description="Days in which nearly the same words are taken for one story; the same address always is.",
    )
    keep_days: PositiveInt = Field(
        30, description="Days that an entry without a riddle is kept after its feed listed it last."
    )
    networks: tuple[IPvAnyNetwork, ...] = Field(
        (),
        description='Private networks that feeds may read from, on any port, as JSON: `["10.1.0.0/16"]`. Unset: none.',
    )
    api_keys: dict[str, SecretStr] = Field(
        default_factory=dict,
        description='Keys that feeds of kind `newsapi` name, as JSON: `{"newsapi": "..."}`. Sent as `X-Api-Key`.',
    )
    folders: tuple[Path, ...] = Field(
        (),
        description='Folders of JSON lines that feeds may read, besides `feeds/` in the data folder: `["/srv/news"]`.',
    )
    loaders: tuple[str, ...] = Field(
        (),
        description='Document loaders that may be named over HTTP, as JSON: `["RSSFeedLoader"]`. They read files and '
        "go anywhere; the command line may name any.",
    )


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


def _checked_rate(value: str) -> str:
    from service.ratelimit import InvalidRate, parse_rate

    try:
        return parse_rate(value).text
    except InvalidRate as error:
        raise ValueError(error.reason) from error


def check_http_url(value: str | None) -> str | None:
    """The URL without a slash at its end; blank is unset.

    Raises:
        ValueError: It is no http(s) URL with a host.
    """
    from urllib.parse import urlsplit

    if value is None or not value.strip():
        return None
    try:
        parts = urlsplit(value.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("is not a URL such as http://localhost:8000")
    return value.strip().rstrip("/")
