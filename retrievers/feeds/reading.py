"""One look at a feed, whatever its kind."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING

from domain.errors import FetchRefused
from retrievers.errors import FeedUnreadable
from retrievers.feeds import lines, newsapi, rss
from retrievers.feeds.apart import ParserGaveUp
from retrievers.feeds.item import Condition, FeedItem, FeedSource, Reading, Skipped
from retrievers.feeds.loader import load_items
from retrievers.sources import is_url

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from retrievers.feeds.fetcher import Fetcher
    from retrievers.feeds.item import FeedKind
    from retrievers.page import Page

SAMPLE = "sample:"
"""The address of the feed that ships with the package."""

NOTHING_KNOWN = Condition()
"""Before the first reading, or to have everything sent again."""

_TYPES = {"rss": rss.CONTENT_TYPES, "newsapi": newsapi.CONTENT_TYPES, "jsonl": lines.CONTENT_TYPES}


async def read_feed(
    source: FeedSource,
    fetcher: Fetcher,
    *,
    condition: Condition = NOTHING_KNOWN,
    folders: Iterable[Path] = (),
    loader_s: float = 60.0,
) -> Reading:
    """Read a feed once.

    Args:
        source: Which one.
        fetcher: Brings what has an address.
        condition: The reading before gave it; the source may answer that nothing changed since.
        folders: Files of JSON lines may lie in these and below.
        loader_s: Seconds that a document loader gets.

    Raises:
        FetchError: It cannot be brought; `FetchRefused` where it must not.
        FeedUnreadable: What came is no such feed.
        NotFound: There is no loader of that name.
        ConfigurationError: The loader cannot be made.
    """
    if source.kind == "loader":
        return Reading(items=await load_items(source.loader, source.arguments or {}, timeout_s=loader_s))
    if source.kind == "rss" and source.url == SAMPLE:
        return _reading("rss", await asyncio.to_thread(_sample), SAMPLE, "application/rss+xml", NOTHING_KNOWN)
    if source.kind == "jsonl" and not is_url(source.url):
        return await asyncio.to_thread(_read_file, source, condition, tuple(folders), fetcher.feed_bytes)
    return await _fetched(source, fetcher, condition)


async def _fetched(source: FeedSource, fetcher: Fetcher, condition: Condition) -> Reading:
    headers = {"If-None-Match": condition.etag, "If-Modified-Since": condition.last_modified}
    headers |= {"X-Api-Key": source.api_key}
    sent = {name: value for name, value in headers.items() if value is not None}
    page = await fetcher.feed(source.url, types=_TYPES[source.kind], headers=sent)
    if page.is_unchanged:
        return Reading(is_unchanged=True, condition=condition)
    content_type = page.headers.get("content-type", page.content_type)
    asked = (source.kind, page.body, page.url, content_type, _condition(page))
    try:
        found = await fetcher.apart.run(_reading_or_reason, *asked)
    except ParserGaveUp as error:
        raise FeedUnreadable(source.kind, error.reason) from None
    if isinstance(found, str):
        raise FeedUnreadable(source.kind, found)
    return replace(found, is_private=page.is_private)


def _reading_or_reason(kind: FeedKind, body: bytes, url: str, content_type: str, condition: Condition) -> Reading | str:
    try:
        return _reading(kind, body, url, content_type, condition)
    except FeedUnreadable as error:
        return error.reason


def _reading(kind: FeedKind, body: bytes, url: str, content_type: str, condition: Condition) -> Reading:
    found: tuple[FeedItem | Skipped, ...]
    match kind:
        case "rss":
            found = rss.parse_rss(body, url=url, content_type=content_type)
        case "newsapi":
            found = newsapi.parse_newsapi(body)
        case _:
            found = lines.parse_lines(body)
    once = {one.key: one for one in reversed(found)}  # of what stands there twice, the first
    ordered = tuple(reversed(once.values()))
    return Reading(
        items=tuple(one for one in ordered if isinstance(one, FeedItem)),
        skipped=tuple(one for one in ordered if isinstance(one, Skipped)),
        condition=condition,
    )


def _condition(page: Page) -> Condition:
    return Condition(_short(page.headers.get("etag")), _short(page.headers.get("last-modified")))


def _short(value: str | None) -> str | None:
    """A validator to send back; one of silly length is forgotten, which costs a full answer next time."""
    return value if value and len(value) <= 500 and value.isprintable() else None  # noqa: PLR2004 -- what a column keeps


def _sample() -> bytes:
    return files("retrievers").joinpath("data", "sample_feed.xml").read_bytes()


def _read_file(source: FeedSource, condition: Condition, folders: tuple[Path, ...], limit: int) -> Reading:
    path = allowed_file(source.url, folders)
    try:
        state = path.stat()
        now = Condition(etag=f"{state.st_size}-{state.st_mtime_ns}")
        if now == condition:
            return Reading(is_unchanged=True, condition=condition)
        with path.open("rb") as file:
            body = file.read(limit + 1)
    except OSError as error:
        raise FeedUnreadable("jsonl", f"{source.url}: {error.strerror}") from None
    if len(body) > limit:
        raise FeedUnreadable("jsonl", f"{source.url} is larger than {limit:,} bytes")
    return _reading("jsonl", body, source.url, "", now)


def allowed_file(name: str, folders: Iterable[Path]) -> Path:
    """The file, when it lies in one of the folders, links followed; a relative name is looked for in the first.

    Raises:
        FetchRefused: It lies elsewhere.
    """
    allowed = tuple(folder.resolve() for folder in folders)
    if allowed and "\x00" not in name:
        path = (allowed[0] / name).resolve()
        if any(path.is_relative_to(folder) for folder in allowed):
            return path
    shown = ", ".join(str(folder) for folder in allowed) or "none"
    raise FetchRefused(name[:200], f"feeds read files in these folders only: {shown}")
