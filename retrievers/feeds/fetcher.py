"""Fetches feeds and their pages under one policy, with the manners of `Hosts`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from retrievers.connections import Lookup, system_lookup
from retrievers.feeds.apart import Apart
from retrievers.feeds.hosts import Hosts
from retrievers.feeds.story_url import host_of
from retrievers.fetch import FetchPolicy, fetch_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrievers.page import Page

FEED_BYTES = 3_000_000
"""A real feed has some hundred kilobytes."""

USER_AGENT = "Riddlewire/0.1 (feed reader)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """One for all feeds of a process.

    Args:
        policy: Where we may go, and what a page may cost.
        hosts: Whose turn it is.
        apart: Parses what came.
        lookup: How names are resolved.
        feed_bytes: Largest feed.
    """

    policy: FetchPolicy = field(default_factory=lambda: FetchPolicy(user_agent=USER_AGENT))
    hosts: Hosts = field(default_factory=Hosts)
    apart: Apart = field(default_factory=Apart)
    lookup: Lookup = system_lookup
    feed_bytes: int = FEED_BYTES

    async def page(self, url: str, *, feed_url: str) -> Page:
        """The page of a story.

        Args:
            url: As the feed, which anybody may write, says.
            feed_url: Of a feed that came from a private network: only pages of the same host may be in one, too.

        Raises:
            FetchError: As `fetch_page`.
        """
        is_own = host_of(url) == host_of(feed_url)
        policy = self.policy if is_own else replace(self.policy, allow_private=False, allow_networks=())
        async with self.hosts.turn(url):
            return await fetch_page(url, policy=policy, lookup=self.lookup)

    async def feed(self, url: str, *, types: frozenset[str], headers: Mapping[str, str]) -> Page:
        """A feed's document, or that it has not changed.

        Raises:
            FetchError: As `fetch_page`.
        """
        policy = replace(self.policy, content_types=types, max_bytes=self.feed_bytes, wanted="a feed's")
        async with self.hosts.turn(url):
            return await fetch_page(url, policy=policy, lookup=self.lookup, headers=headers)
