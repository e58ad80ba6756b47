"""What is refused about feeds.

InvalidInput
└── InvalidFeed       422  a feed that cannot be as it was said
ServiceError
├── FeedBusy          409  the feed is being pulled already, or another one of its host
└── HostAsksToWait    503  the host asked to be left alone for a while
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import InvalidInput
from service.errors import ServiceError, whole_seconds

if TYPE_CHECKING:
    from datetime import datetime


class InvalidFeed(InvalidInput):
    """A feed that cannot be as it was said."""

    noun = "feed"


class FeedBusy(ServiceError):
    """The feed is being pulled already, or another feed of the same host is."""

    status = 409
    slug = "feed-busy"
    title = "The feed is being pulled"

    def __init__(self, feed_id: str, *, other: bool) -> None:
        what = f"another feed of the host of {feed_id}" if other else feed_id
        super().__init__(f"{what} is being pulled right now; ask again when that is done")

    @property
    def headers(self) -> dict[str, str]:
        """When to ask again."""
        return {"Retry-After": "5"}


class HostAsksToWait(ServiceError):
    """The host of the feed asked to be left alone for a while."""

    status = 503
    slug = "host-asks-to-wait"
    title = "The feed's host asks to wait"

    def __init__(self, host: str, until: datetime, left_s: float) -> None:
        self.left_s = left_s
        super().__init__(f"{host} asked to be left alone until {until:%Y-%m-%d %H:%M:%S} UTC; pull it after that")

    @property
    def headers(self) -> dict[str, str]:
        """When to ask again."""
        return {"Retry-After": str(whole_seconds(self.left_s))}
