"""RSS and Atom, read by feedparser from bytes that were fetched by ourselves: it must open nothing by itself."""

from __future__ import annotations

import calendar
import re
from collections import Counter
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

from retrievers.errors import FeedUnreadable
from retrievers.feeds.item import (
    TEASER,
    WHOLE,
    FeedItem,
    check_count,
    clean,
    clean_language,
    clean_line,
    clean_source,
    clean_url,
    key_of,
    plausible,
    weight,
)
from retrievers.feeds.plaintext import line, paragraphs
from retrievers.feeds.story_url import story_url

if TYPE_CHECKING:
    from collections.abc import Iterable

CONTENT_TYPES = frozenset(
    {
        "application/rss+xml",
        "application/atom+xml",
        "application/rdf+xml",
        "application/xml",
        "text/xml",
        "text/html",  # what many servers call any file
        "text/plain",
        "application/octet-stream",
    }
)

MAX_TAGS = 100_000
"""Feedparser takes up to 30 microseconds for one of a hostile document, so three seconds for all; a real feed of fifty
whole articles has some ten thousand."""

_REFERENCE = re.compile(rb"&#(?:[xX]([0-9a-fA-F]+)|([0-9]+));")
_LAST_CHARACTER = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)

_TORN_OFF = ("[…]", "[...]", "…", "...", "Read more", "Continue reading")


def parse_rss(body: bytes, *, url: str, content_type: str = "application/xml") -> tuple[FeedItem, ...]:
    """The items of a feed. Broken XML gives what can be read of it; entities of its own are never expanded.

    Args:
        body: The document, whose own idea of its encoding may be wrong.
        url: Where it was, for relative links.
        content_type: As the server called it, charset included.

    Raises:
        FeedUnreadable: It is no feed, or not one item can be read.
    """
    import feedparser

    if body.count(b"<") + body.count(b"&lt;") > MAX_TAGS:
        raise FeedUnreadable("rss", f"it has more than {MAX_TAGS:,} tags")
    headers = {"content-type": content_type, "content-location": url}
    clean_body = _REFERENCE.sub(_only_characters, body)
    try:  # a stream: bytes or text would be opened as a file name, or fetched
        found = feedparser.parse(BytesIO(clean_body), response_headers=headers)
    except Exception as error:  # hostile markup trips its parsers in more ways than it documents
        raise FeedUnreadable("rss", f"the parser gave up: {type(error).__name__}") from error
    if not found.entries and (found.bozo or not found.get("version")):
        raise FeedUnreadable("rss", clean_line(str(found.get("bozo_exception", ""))) or "it is neither RSS nor Atom")
    entries = found.entries
    check_count("rss", len(entries))
    _drop_invented_links(entries, body)
    shared = _told_twice(entries)
    return tuple(_item(entry, found.feed, shared) for entry in entries)


def _only_characters(reference: re.Match[bytes]) -> bytes:
    """The reference, unless it names half a surrogate pair or no character at all, on which feedparser fails."""
    digits, base = (reference[1], 16) if reference[1] else (reference[2], 10)
    number = int(digits[:10], base)
    is_character = len(digits) <= 10 and number <= _LAST_CHARACTER and number not in _SURROGATES  # noqa: PLR2004 -- cut above
    return reference[0] if is_character else b""


def _told_twice(entries: Iterable[Any]) -> frozenset[str]:
    """Guids and addresses that stand at several items, and so name none of them."""
    guids = Counter(str(entry.get("id")) for entry in entries if entry.get("id"))
    links = Counter(identity for entry in entries if (identity := _identity(entry)))
    return frozenset(name for counts in (guids, links) for name, count in counts.items() if count > 1)


def _identity(entry: Any) -> str | None:
    url = clean_url(entry.get("link"))
    return story_url(url) if url else None


def _drop_invented_links(entries: Iterable[Any], body: bytes) -> None:
    """An item without a link has, says RSS, its guid for one; feedparser makes addresses of guids that are none."""
    written = body.replace(b"&amp;", b"&")
    for entry in entries:
        is_guid = entry.get("guidislink") and not entry.get("links") and "link" in entry
        if is_guid and str(entry["link"]).encode(errors="replace") not in written:
            del entry["link"]


def _item(entry: Any, feed: Any, shared: frozenset[str]) -> FeedItem:
    text, is_whole = _text(entry)
    identity = _identity(entry)
    names = (str(entry.get("id") or ""), identity or "")
    name = next((name for name in names if name and name not in shared), "")
    title = _title(entry)
    return FeedItem(
        key=key_of("item", name) if name else key_of("text", title or "", text),
        text=text,
        is_whole=is_whole,
        title=title,
        url=clean_url(entry.get("link")),
        identity=None if identity in shared else identity,
        source=clean_source(_plain(entry.get("source", {}).get("title"))) or clean_source(_plain(feed.get("title"))),
        published_at=plausible(_moment(entry)),
        language=clean_language(feed.get("language")),
    )


def _title(entry: Any) -> str | None:
    return clean_line(_plain(entry.get("title"), entry.get("title_detail", {}).get("type")))


def _plain(text: Any, content_type: str | None = "text/html") -> str | None:
    if not isinstance(text, str):
        return None
    return line(text) if str(content_type).endswith("html") else text


def _text(entry: Any) -> tuple[str, bool]:
    """The longest text that the item carries, and whether it is the article itself.

    It is when it is long; and when it stands in an element of its own beside a shorter summary.
    """
    summary = _paragraphs(entry["summary_detail"]) if "summary_detail" in entry else ""
    content = max((_paragraphs(part) for part in entry.get("content", ())), key=len, default="")
    text = max(content, summary, key=len)
    needed = TEASER if len(content) > len(summary) else WHOLE
    return text, weight(text) >= needed and not text.endswith(_TORN_OFF)


def _paragraphs(part: Any) -> str:
    value = str(part.get("value") or "")
    return clean(value).strip() if part.get("type") == "text/plain" else paragraphs(value)


def _moment(entry: Any) -> datetime | None:
    updated = entry["updated_parsed"] if "updated_parsed" in entry else None  # noqa: SIM401 -- its get() looks elsewhere
    parsed = entry.get("published_parsed") or updated
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC) if parsed else None
    except (ValueError, TypeError, OverflowError, OSError):
        return None
