"""Whether a feed may be as somebody said it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import FetchError
from retrievers.feeds.reading import SAMPLE, allowed_file
from retrievers.sources import is_url
from service.feeds.errors import InvalidFeed
from service.feeds.schedule import check_schedule

if TYPE_CHECKING:
    from pathlib import Path

    from service.settings import Settings
    from service.storage.feed_rows import FeedSpec

_MAX_URL = 2_048


@dataclass(frozen=True, slots=True)
class FeedRules:
    """What the operator allows.

    Args:
        folders: Where files of JSON lines may lie; relative names are looked for in the first.
        loaders: Document loaders that may be named over HTTP.
        api_keys: Names of keys that feeds may send.
    """

    folders: tuple[Path, ...]
    loaders: frozenset[str]
    api_keys: frozenset[str]

    @classmethod
    def of(cls, settings: Settings) -> FeedRules:
        """Those of the settings."""
        return cls(
            folders=(settings.home / "feeds", *settings.feeds.folders),
            loaders=frozenset(settings.feeds.loaders),
            api_keys=frozenset(settings.feeds.api_keys),
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
            _check_address(spec.url)
        elif spec.kind == "jsonl":
            self._check_file(spec.url)
        else:
            raise InvalidFeed("url", "is no http(s) URL")

    def _check_file(self, name: str) -> None:
        try:
            allowed_file(name, self.folders)
        except FetchError as error:
            raise InvalidFeed("url", f"is neither an http(s) URL nor a file that may be read: {error.reason}") from None

    def _check_api_key(self, spec: FeedSpec) -> None:
        if spec.kind != "newsapi":
            raise InvalidFeed("api_key", "is for feeds of kind newsapi")
        if spec.api_key not in self.api_keys:
            raise InvalidFeed("api_key", f"{spec.api_key!r} is none of those in RIDDLEWIRE_FEEDS_API_KEYS")


def _check_address(url: str) -> None:
    from yarl import URL

    try:
        parsed = URL(url)
    except ValueError:
        raise InvalidFeed("url", "cannot be read") from None
    if len(url) > _MAX_URL or not parsed.host:
        raise InvalidFeed("url", f"has no host, or more than {_MAX_URL} characters")
    if parsed.user is not None or parsed.password is not None:
        raise InvalidFeed("url", "holds a user name or password; these are not sent")
