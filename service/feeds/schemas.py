"""What goes in and comes out of /v1/feeds."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from service.schemas import Answer, BlankIsNone, Body, CleanText, Name
from service.storage.feed_rows import FeedSpec

if TYPE_CHECKING:
    from service.feeds.report import PullReport
    from service.storage.feed_rows import Feed

Kind = Literal["rss", "newsapi", "jsonl", "loader"]
ArgumentName = Annotated[CleanText, Field(min_length=1, max_length=100)]
ArgumentText = Annotated[CleanText, Field(max_length=10_000)]
Argument = bool | int | float | ArgumentText | Annotated[list[ArgumentText], Field(max_length=1_000)] | None
Optional = Annotated[Annotated[CleanText, Field(max_length=100)] | None, BlankIsNone]


class FeedIn(Body):
    """A feed: `url` says where it is, or `loader` which document loader of langchain-community gives its articles."""

    kind: Kind
    url: Annotated[Annotated[CleanText, Field(max_length=2048)] | None, BlankIsNone] = Field(
        default=None,
        description="An http(s) address; `sample:` is the feed that ships; for `jsonl` also a file that may be read.",
    )
    loader: Optional = Field(
        default=None, description="Class name, such as `RSSFeedLoader`; the operator allows it first."
    )
    arguments: Annotated[dict[ArgumentName, Argument], Field(max_length=50)] = Field(
        default={}, description="For the loader: texts, numbers, true or false, and lists of texts."
    )
    api_key: Optional = Field(
        default=None, description="For `newsapi`: the name of a key in the service's settings, never the key itself."
    )
    schedule: Optional = Field(default=None, description="Five fields of cron; null: only when asked.")
    timezone: Annotated[CleanText, Field(min_length=1, max_length=64)] = Field(
        default="UTC", description="The zone that `schedule` means, such as `Europe/Berlin`."
    )
    pipeline: Name | None = Field(default=None, description="Name of a pipeline; the service's default when left out.")

    def to_spec(self) -> FeedSpec:
        """The feed as storage keeps it."""
        return FeedSpec(
            kind=self.kind,
            url=self.url,
            loader=self.loader,
            arguments=self.arguments,
            api_key=self.api_key,
            schedule=self.schedule,
            timezone=self.timezone,
            pipeline=self.pipeline,
        )


class EntryCounts(Answer):
    """How many entries of a feed had which outcome, since it was added."""

    riddled: int
    duplicate: int
    skipped: int
    waiting: int = Field(description="Whose page could not be had yet; the next pull tries again.")


class FeedOut(Answer):
    """A feed and how its last pull went."""

    id: str
    kind: Kind
    url: str | None
    loader: str | None
    arguments: list[str] = Field(description="Names only: values may be secrets.")
    api_key: str | None
    schedule: str | None
    timezone: str
    pipeline: str | None
    created_at: datetime
    last_pull_at: datetime | None
    last_status: Literal["ok", "unchanged", "failed"] | None
    last_error: str | None
    failures: int = Field(description="Pulls that failed since the last one that did not.")
    next_pull_at: datetime | None
    counts: EntryCounts


class SkippedEntry(Answer):
    """An entry that gave no article."""

    url: str | None
    title: str | None
    reason: str
    again: bool = Field(description="Whether the next pull tries it again.")


class PulledEntries(Answer):
    """What became of a feed's entries in one pull."""

    new: int = Field(description="Articles in the batch.")
    known: int = Field(description="Dealt with in an earlier pull.")
    duplicate: int = Field(description="Whose story was riddled already, from this feed or another one.")
    skipped: list[SkippedEntry]
    left: int = Field(description="New ones that the next pull will take.")


class PullOut(Answer):
    """What a pull did; `batch` is as `GET /v1/batches/{id}` gives it, null when there was nothing new."""

    batch: dict[str, Any] | None
    entries: PulledEntries


def feed_payload(feed: "Feed", counts: dict[str, int]) -> dict[str, Any]:
    """A feed as JSON."""
    spec = feed.spec
    return {
        "id": feed.id,
        "kind": spec.kind,
        "url": spec.url,
        "loader": spec.loader,
        "arguments": sorted(spec.arguments),
        "api_key": spec.api_key,
        "schedule": spec.schedule,
        "timezone": spec.timezone,
        "pipeline": spec.pipeline,
        "created_at": feed.created_at,
        "last_pull_at": feed.last_pull_at,
        "last_status": feed.last_status,
        "last_error": feed.last_error,
        "failures": feed.failures,
        "next_pull_at": feed.next_pull_at,
        "counts": {name: counts.get(name, 0) for name in ("riddled", "duplicate", "skipped", "waiting")},
    }


def entries_payload(report: "PullReport") -> dict[str, Any]:
    """What became of the entries, as JSON."""
    return {
        "new": report.new,
        "known": report.known,
        "duplicate": report.duplicate,
        "skipped": [
            {"url": one.url, "title": one.title, "reason": one.reason, "again": one.again} for one in report.skipped
        ],
        "left": report.left,
    }
