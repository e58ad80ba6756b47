"""NewsAPI's JSON, which many news services speak: `{"status", "totalResults", "articles": [...]}`."""

from __future__ import annotations

import re
from typing import Any

import orjson

from retrievers.errors import FeedUnreadable
from retrievers.extraction import parse_time
from retrievers.feeds.item import (
    WHOLE,
    FeedItem,
    check_count,
    clean_line,
    clean_source,
    clean_url,
    key_of,
    plausible,
    weight,
)
from retrievers.feeds.plaintext import paragraphs
from retrievers.feeds.story_url import story_url

CONTENT_TYPES = frozenset({"application/json", "text/json", "text/plain"})

_CUT = re.compile(r"\[\+\d{1,9} chars\]$")
_LONGEST_CUT = 20
_ELLIPSES = ("…", "...")
_REMOVED = "[Removed]"


def parse_newsapi(body: bytes) -> tuple[FeedItem, ...]:
    """The items of an answer. Its `content` is cut after 200 letters, so most will want their page.

    Raises:
        FeedUnreadable: Not JSON of this form, too many articles, or an error of the service, whose code and
            message it names.
    """
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise FeedUnreadable("newsapi", f"the answer is not JSON: {error}") from None
    if not isinstance(answer, dict) or not isinstance(articles := answer.get("articles"), list):
        raise FeedUnreadable("newsapi", _refusal(answer))
    check_count("newsapi", len(articles))
    records = (record for record in articles if isinstance(record, dict))
    return tuple(_item(record) for record in records if record.get("title") != _REMOVED)


def _refusal(answer: Any) -> str:
    if isinstance(answer, dict) and answer.get("status") == "error":
        return f"the service says {clean_line(answer.get('code'))}: {clean_line(answer.get('message'))}"
    return "the answer has no list of articles"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _uncut(content: str) -> tuple[str, bool]:
    """A text without what stands for its end (`… [+2100 chars]`), and whether that stood there."""
    found = _CUT.search(content, max(0, len(content) - _LONGEST_CUT))
    if found is None:
        return content, False
    kept = content[: found.start()].rstrip()
    for ellipsis in _ELLIPSES:
        kept = kept.removesuffix(ellipsis)
    return kept.rstrip(), True


def _item(record: dict[str, Any]) -> FeedItem:
    content, is_cut = _uncut(_text(record.get("content")).rstrip())
    text = max(paragraphs(content), paragraphs(_text(record.get("description"))), key=len)
    url = clean_url(record.get("url"))
    identity = story_url(url) if url else None
    title = clean_line(record.get("title"))
    source = record.get("source")
    return FeedItem(
        key=key_of("item", identity) if identity else key_of("text", title or "", text),
        text=text,
        is_whole=not is_cut and weight(text) >= WHOLE,
        title=title,
        url=url,
        identity=identity,
        source=clean_source(source.get("name")) if isinstance(source, dict) else None,
        published_at=plausible(parse_time(clean_line(record.get("publishedAt")))),
    )
