"""Whether a feed may be as somebody said it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import FetchError, FetchRefused
from retrievers.feeds.fetcher import USER_AGENT
from retrievers.feeds.reading import SAMPLE, allowed_file
from retrievers.fetch import FetchPolicy, checked_url
from retrievers.sources import is_url
from service.feeds.errors import InvalidFeed
from service.feeds.schedule import check_schedule
from service.setting_groups.background import origin_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from service.setting_groups.background import FeedSettings
    from service.settings import Settings
    from service.storage.feed_rows import FeedSpec


@dataclass(frozen=True, slots=True)
class FeedRules:
    """What the operator allows.

    Args:
        folders: Where files of JSON lines may lie; relative names are looked for in the first.
        loaders: Document loaders that may be named over HTTP.
        key_origins: By name of a key that feeds may send, where it may be sent.
        policy: Where feeds may be fetched from.
    """

    folders: tuple[Path, ...]
    loaders: frozenset[str]
    key_origins: Mapping[str, str]
    policy: FetchPolicy

    @classmethod
    def of(cls, settings: Settings) -> FeedRules:
        """Those of the settings."""
        return cls(
            folders=(settings.home / "feeds", *settings.feeds.folders),
            loaders=frozenset(settings.feeds.loaders),
            key_origins={name: key.origin for name, key in settings.feeds.api_keys.items()},
            policy=fetch_policy(settings.feeds),
        )

    def check(self, spec: FeedSpec) -> None:
        """Say what is wrong with a feed, if anything is.

        Raises:
            InvalidFeed: Names the field and what to do about it.
        """
        check_schedule(spec.schedule, spec.timezone)
        if spec.kind == "loader":
            self._check_loader(spec)
        else:
            self._check_url(spec)
        if spec.api_key is not None:
            self._check_api_key(spec)

    def _check_loader(self, spec: FeedSpec) -> None:
        if spec.loader is None or spec.url is not None:
            raise InvalidFeed("loader", "names the document loader of a feed of kind loader, which has no url")
        if not spec.by_operator and spec.loader not in self.loaders:
            raise InvalidFeed(
                "loader",
                f"{spec.loader} is none that may be used over HTTP; the operator allows it with "
                "RIDDLEWIRE_FEEDS_LOADERS, or adds the feed with 'riddlewire feeds add'",
            )

    def _check_url(self, spec: FeedSpec) -> None:
        if spec.url is None or spec.loader is not None or spec.arguments:
            raise InvalidFeed("url", f"says where a {spec.kind} feed is; loader and arguments are for kind loader")
        if spec.kind == "rss" and spec.url == SAMPLE:
            return
        if is_url(spec.url):
            self._check_address(spec.url)
        elif spec.kind == "jsonl":
            self._check_file(spec.url)
        else:
            raise InvalidFeed("url", "is no http(s) URL")

    def _check_address(self, url: str) -> None:
        try:
            checked_url(url, self.policy)
        except FetchRefused as error:
            raise InvalidFeed(
                "url", f"cannot be fetched: {error.reason}; the operator allows networks with RIDDLEWIRE_FEEDS_NETWORKS"
            ) from None

    def _check_file(self, name: str) -> None:
        try:
            allowed_file(name, self.folders)
        except FetchError as error:
            raise InvalidFeed("url", f"is neither an http(s) URL nor a file that may be read: {error.reason}") from None

    def _check_api_key(self, spec: FeedSpec) -> None:
        if spec.kind != "newsapi":
            raise InvalidFeed("api_key", "is for feeds of kind newsapi")
        origin = self.key_origins.get(spec.api_key or "")
        if origin is None:
            raise InvalidFeed("api_key", f"{spec.api_key!r} is none of those in RIDDLEWIRE_FEEDS_API_KEYS")
        if origin_of(spec.url or "") != origin:
            raise InvalidFeed(
                "api_key", f"{spec.api_key!r} may be sent to {origin} only, as RIDDLEWIRE_FEEDS_API_KEYS says"
            )


def fetch_policy(settings: FeedSettings) -> FetchPolicy:
    """The public internet on its usual ports; with networks of the operator's own, also these, and any port."""
    return FetchPolicy(
        allow_networks=settings.networks,
        ports=None if settings.networks else FetchPolicy().ports,
        timeout_s=settings.fetch_s,
        user_agent=USER_AGENT,
    )
