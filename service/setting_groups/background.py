"""What goes on without a caller who waits: jobs, webhooks, feeds."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 -- pydantic reads the annotations
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, SecretStr, field_validator

from service.setting_groups.group import Group, PositiveInt, Seconds


class JobSettings(Group):
    """Batches and everything else that is worked on in the background."""

    work: bool = Field(
        default=True,
        description="Whether serving processes do jobs themselves. Turn it off on PostgreSQL where `riddlewire work` "
        "processes do; on SQLite, where there is no other process, that is refused.",
    )
    concurrency: PositiveInt = Field(16, description="Articles worked on at once in one process.")
    waiting: PositiveInt = Field(
        100_000,
        description="Articles that may wait in all; a batch that would go above is refused with 503, one that has "
        "more new ones by itself with 413.",
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
        "`riddlewire work` answers 503 then, for who restarts it. Longer than the longest model call.",
    )
    late_after_s: Seconds = Field(
        24 * 3600.0, description="Seconds that an article may wait before `/readyz` calls the jobs degraded."
    )
    dedup_hours: Annotated[float, Field(ge=0)] = Field(
        24.0,
        description="Articles with the same text as one whose work ended in the last so many hours get its riddle; 0 "
        "shares within a batch only.",
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


class FeedKey(BaseModel):
    """A key for a news service.

    Args:
        key: Sent as `X-Api-Key`.
        origin: Where it may be sent: scheme, host and port, such as `https://newsapi.org`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: SecretStr
    origin: str

    @field_validator("origin")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        origin = origin_of(value)
        if origin is None or value.rstrip("/").lower() != origin:
            raise ValueError("is no origin such as https://newsapi.org")
        return origin


def origin_of(url: str) -> str | None:
    """Scheme, host and port of an http(s) address, written in one way; None for what is none."""
    from yarl import URL

    try:
        parsed = URL(url.strip())
        return str(parsed.origin()) if parsed.scheme in ("http", "https") else None
    except ValueError:
        return None


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
    api_keys: dict[str, FeedKey] = Field(
        default_factory=dict,
        description="Keys that feeds of kind `newsapi` name, each for one service, as JSON: "
        '`{"newsapi": {"key": "...", "origin": "https://newsapi.org"}}`. Sent as `X-Api-Key`, to that origin only.',
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
