from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from retrievers.errors import FeedUnreadable
from retrievers.feeds.item import FeedItem, Skipped
from retrievers.feeds.lines import parse_lines


def lines(*records: Any) -> bytes:
    return b"\n".join(record if isinstance(record, bytes) else json.dumps(record).encode() for record in records)


def test_a_line_is_an_article() -> None:
    record = {
        "text": "Fog closed the harbour.", "title": "Fog", "url": "https://news.example/fog", "source": "Post",
        "published_at": "2026-11-02T09:00:00Z", "language": "en",
    }  # fmt: skip
    (item,) = parse_lines(b"\xef\xbb\xbf" + lines(record) + b"\r\n\n")
    assert isinstance(item, FeedItem)
    assert (item.text, item.title, item.source, item.language) == ("Fog closed the harbour.", "Fog", "Post", "en")
    assert (item.url, item.identity) == ("https://news.example/fog", "https://news.example/fog")
    assert item.published_at == datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    assert item.is_whole


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"{nonsense", "is not JSON"),
        ([], "is not a JSON object"),
        ({"text": " "}, "is blank"),
        ({}, "is blank"),
        ({"text": "a\x00b"}, "NUL"),
        ({"text": 3}, "neither a string nor null"),
        ({"text": "a", "titel": "b"}, "'titel' is no field"),
        ({"text": "a", "title": "b" * 1_001}, "longer than 1,000 letters"),
        ({"text": "a", "url": "javascript:alert(1)"}, "no http"),
        ({"text": "a", "published_at": "yesterday"}, "no ISO 8601"),
        (b'{"text": "\\ud800"}', "is not JSON"),
        (b'{"text": "\xff"}', "is not JSON"),
    ],
)
def test_a_line_that_cannot_be_used_is_told_with_its_number(record: Any, reason: str) -> None:
    good, bad = parse_lines(lines({"text": "Good."}, record))
    assert isinstance(good, FeedItem)
    assert isinstance(bad, Skipped)
    assert bad.reason.startswith("line 2: ")
    assert reason in bad.reason
    assert not bad.again


def test_lines_without_an_address_are_told_apart_by_their_text() -> None:
    one, two, again = parse_lines(lines({"text": "One."}, {"text": "Two."}, {"text": "One."}))
    assert one.key == again.key != two.key


def test_lines_may_be_many_but_not_without_end() -> None:
    many = [{"text": f"Story {number}."} for number in range(5_001)]
    assert len(parse_lines(lines(*many[:600]))) == 600
    with pytest.raises(FeedUnreadable, match="more than 5,000 entries; make several feeds"):
        parse_lines(lines(*many))
