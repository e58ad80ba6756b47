"""JSON lines, one article a line, with the fields that `POST /v1/riddles` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from domain import Article
from domain.errors import InvalidArticle
from retrievers.extraction import parse_time
from retrievers.feeds.item import (
    MAX_SOURCE,
    MAX_TITLE,
    FeedItem,
    Skipped,
    check_count,
    clean_language,
    clean_url,
    key_of,
)
from retrievers.feeds.story_url import story_url

if TYPE_CHECKING:
    from typing import Any

CONTENT_TYPES = frozenset(
    {"application/x-ndjson", "application/jsonl", "application/json", "text/plain", "application/octet-stream"}
)

_FIELDS = frozenset({"text", "title", "url", "source", "published_at", "language"})
_LIMITS = {"title": MAX_TITLE, "source": MAX_SOURCE}
_BOM = b"\xef\xbb\xbf"


def parse_lines(body: bytes) -> tuple[FeedItem | Skipped, ...]:
    """The article of each line, or why there is none; blank lines are left out.

    Raises:
        FeedUnreadable: It has too many lines.
    """
    lines = enumerate(body.removeprefix(_BOM).split(b"\n"), 1)
    filled = [(number, stripped) for number, line in lines if (stripped := line.strip())]
    check_count("jsonl", len(filled))
    return tuple(_parse(number, line) for number, line in filled)


def item_of(article: Article, *, identify: bool = True) -> FeedItem:
    """An article as the item of a feed that holds all of it.

    Args:
        article: What the source gave.
        identify: Whether its address stands for one story.
    """
    url = clean_url(article.url)
    identity = story_url(url) if url and identify else None
    return FeedItem(
        key=key_of("item", identity) if identity else key_of("text", article.title or "", article.text),
        text=article.text,
        is_whole=True,
        title=article.title,
        url=url,
        identity=identity,
        source=article.source,
        published_at=article.published_at,
        language=clean_language(article.language),
    )


def _parse(number: int, line: bytes) -> FeedItem | Skipped:
    try:
        return item_of(_article(line))
    except InvalidArticle as error:
        return Skipped(key=key_of("line", line.decode(errors="replace")), reason=f"line {number}: {error}")


def _article(line: bytes) -> Article:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InvalidArticle("line", f"is not JSON: {error}") from None
    if not isinstance(record, dict):
        raise InvalidArticle("line", "is not a JSON object")
    if unknown := sorted(record.keys() - _FIELDS):
        raise InvalidArticle(repr(unknown[0]), f"is no field of an article; these are: {', '.join(sorted(_FIELDS))}")
    return _of_record(record)


def _of_record(record: dict[str, Any]) -> Article:
    for name, value in record.items():
        if not isinstance(value, str | None):
            raise InvalidArticle(name, "is neither a string nor null")
    for name, limit in _LIMITS.items():
        if len(record.get(name) or "") > limit:
            raise InvalidArticle(name, f"is longer than {limit:,} letters")
    if record.get("url") and clean_url(record["url"]) is None:
        raise InvalidArticle("url", "is no http(s) URL")
    if record.get("published_at") and parse_time(record["published_at"]) is None:
        raise InvalidArticle("published_at", "is no ISO 8601 time")
    texts = {name: record[name] for name in ("title", "url", "source", "language") if record.get(name)}
    return Article(text=record.get("text") or "", published_at=parse_time(record.get("published_at")), **texts)
