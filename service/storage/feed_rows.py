"""A feed as it stands in its row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from retrievers.feeds.item import Condition, FeedKind
from retrievers.feeds.story_url import host_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.engine import Row

PullStatus = Literal["ok", "unchanged", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSpec:
    """What somebody said a feed should be.

    Args:
        kind: How it is read.
        url: Address, `sample:`, or for `jsonl` also a file; None for loaders.
        loader: Class name of a document loader.
        arguments: For the loader.
        api_key: Name of a key in the settings; never the key itself.
        schedule: Five fields of cron; None: only when asked.
        timezone: Name of the zone that the schedule means.
        pipeline: None takes the service's default.
        by_operator: Whether somebody at the command line said it, who may use any loader.
    """

    kind: FeedKind
    url: str | None = None
    loader: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    api_key: str | None = None
    schedule: str | None = None
    timezone: str = "UTC"
    pipeline: str | None = None
    by_operator: bool = False

    @property
    def origin(self) -> tuple[Any, ...]:
        """Where it is read from; a feed that reads elsewhere forgets what the server said before."""
        return self.kind, self.url, self.loader, dict(self.arguments), self.api_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed.

    Args:
        id: `feed_` and a UUIDv7 in hex; later feeds sort after earlier ones.
        created_at: In UTC.
        key_id: Of the API key that added it.
        tenant: Of that key.
        condition: What the source said of its state last time.
        last_pull_at: When it was last pulled, well or not.
        last_error: Why the last pull failed; None when it did not.
        failures: Pulls that failed since the last one that did not.
        next_pull_at: When the schedule pulls it next.
        not_before: Until then its host asked to be left alone.
    """

    id: str
    created_at: datetime
    spec: FeedSpec
    key_id: str | None = None
    tenant: str | None = None
    condition: Condition = field(default_factory=Condition)
    last_pull_at: datetime | None = None
    last_status: PullStatus | None = None
    last_error: str | None = None
    failures: int = 0
    next_pull_at: datetime | None = None
    not_before: datetime | None = None


def spec_row(spec: FeedSpec) -> dict[str, Any]:
    """The columns that hold what was said."""
    return {
        "kind": spec.kind,
        "url": spec.url,
        "loader": spec.loader,
        "arguments": dict(spec.arguments),
        "api_key": spec.api_key,
        "schedule": spec.schedule,
        "timezone": spec.timezone,
        "pipeline": spec.pipeline,
        "by_operator": spec.by_operator,
        "host": host_of(spec.url or ""),
    }


def stored_feed(row: Row[Any]) -> Feed:
    """A feed read back from its row."""
    return Feed(
        id=row.id,
        created_at=row.created_at,
        spec=FeedSpec(
            kind=row.kind,
            url=row.url,
            loader=row.loader,
            arguments=row.arguments,
            api_key=row.api_key,
            schedule=row.schedule,
            timezone=row.timezone,
            pipeline=row.pipeline,
            by_operator=row.by_operator,
        ),
        key_id=row.key_id,
        tenant=row.tenant,
        condition=Condition(row.etag, row.last_modified),
        last_pull_at=row.last_pull_at,
        last_status=row.last_status,
        last_error=row.last_error,
        failures=row.failures,
        next_pull_at=row.next_pull_at,
        not_before=row.not_before,
    )
