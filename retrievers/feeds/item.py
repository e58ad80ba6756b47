"""What a feed gives: its items, as they stand in it, and why some of it cannot be used."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from domain.article import content_hash
from retrievers.errors import FeedUnreadable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FeedKind = Literal["rss", "newsapi", "jsonl", "loader"]

MAX_ENTRIES = 5_000
"""Of one reading; a feed that lists more is refused, for what was cut off in silence would never be riddled."""

WHOLE = 600
"""Text of this weight is taken for the whole article; less is a teaser, whose page is fetched."""

TEASER = 240
"""A teaser of this weight is made into a riddle when its page cannot be had; less is skipped."""

MAX_TEXT = 200_000
"""Letters of an article; a feed whose item is longer, a book or an attack on the reader's purse, has it skipped."""

MAX_TITLE = 1_000
MAX_SOURCE = 200
MAX_URL = 2_048

_WIDE = 3
_PLENTY = 10 * WHOLE  # no more need be counted to know that it is enough
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=2)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_UNUSABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSource:
    """Where a feed is read from.

    Args:
        kind: How it is read.
        url: Address, `sample:`, or for `jsonl` also a file; empty for loaders.
        loader: Class name of a document loader; empty for other kinds.
        arguments: For the loader.
        api_key: Sent as `X-Api-Key`; a secret.
    """

    kind: FeedKind
    url: str = ""
    loader: str = ""
    arguments: Mapping[str, Any] | None = None
    api_key: str | None = None

    def __repr__(self) -> str:
        return f"FeedSource(kind={self.kind!r}, url={self.url!r}, loader={self.loader!r})"


@dataclass(frozen=True, slots=True)
class Condition:
    """What the source said of its state last time; it need not send again what has not changed."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedItem:
    """One story as its feed tells it.

    Args:
        key: The same for the same item in every reading of its feed, 64 hex digits.
        text: All that the feed holds of it; may be empty.
        is_whole: Whether `text` is the article itself and no teaser.
        url: Where readers find it; only http(s).
        identity: `story_url` of `url`; None where the address does not tell one story from another.
    """

    key: str
    text: str
    is_whole: bool
    title: str | None = None
    url: str | None = None
    identity: str | None = None
    source: str | None = None
    published_at: datetime | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """An item that gives no article.

    Args:
        key: As of `FeedItem`.
        reason: One sentence for a person.
        url: Where it is, if that is known.
        title: Of the story.
        again: Whether the next pull should try again: the reason may go away by itself.
        is_try: Whether trying again is limited; not where the page's host only asked to be left alone for a while.
    """

    key: str
    reason: str
    url: str | None = None
    title: str | None = None
    again: bool = False
    is_try: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One look at a feed.

    Args:
        items: In the feed's order.
        skipped: What stands there and can never be used.
        condition: For the next time.
        is_unchanged: The source said that nothing changed; there are no items then.
        is_private: It came from a network that is not public, so pages of the same host may lie there, too.
    """

    items: tuple[FeedItem, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    condition: Condition = Condition()
    is_unchanged: bool = False
    is_private: bool = False


def check_count(kind: FeedKind, count: int) -> None:
    """Refuse a reading of so many entries, if those are too many.

    Raises:
        FeedUnreadable: They are.
    """
    if count > MAX_ENTRIES:
        raise FeedUnreadable(kind, f"it has more than {MAX_ENTRIES:,} entries; make several feeds of it")


def key_of(*parts: str) -> str:
    """The key that stands for a guid, an address or a text of any length."""
    return content_hash(*(part.encode(errors="replace").decode() for part in parts))


def weight(text: str) -> int:
    """Length in letters; one of scripts that write a word in one or two characters counts as three."""
    if len(text) > _PLENTY:
        return len(text)
    return sum(_WIDE if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def clean(text: str) -> str:
    """Without control characters and halves of surrogate pairs, which no article may hold."""
    return _UNUSABLE.sub("", text)


def clean_line(text: object, limit: int = MAX_TITLE) -> str | None:
    """One line of at most `limit` characters; None for what is no text or blank."""
    if not isinstance(text, str):
        return None
    line = " ".join(clean(text).split())
    return line[:limit].rstrip() or None


def clean_source(text: object) -> str | None:
    """The name of a publisher."""
    return clean_line(text, MAX_SOURCE)


def clean_url(text: object) -> str | None:
    """An http(s) address that a reader may follow; None for everything else, such as `javascript:`."""
    if not isinstance(text, str):
        return None
    url = text.strip()
    follows = url.lower().startswith(("http://", "https://")) and len(url) <= MAX_URL
    return url if follows and not re.search(r"[\s\x00-\x1f\x7f\ud800-\udfff]", url) else None


def clean_language(text: object) -> str | None:
    """A BCP 47 tag."""
    return text if isinstance(text, str) and len(text) <= 35 and _LANGUAGE.fullmatch(text) else None  # noqa: PLR2004 -- RFC 5646, 4.4.1


def plausible(moment: datetime | None, now: datetime | None = None) -> datetime | None:
    """The moment, unless it is before 1990 or more than two days ahead: clocks of publishers are wrong at times."""
    latest = (now or datetime.now(UTC)) + _AHEAD
    return moment if moment is not None and _EARLIEST <= moment <= latest else None
