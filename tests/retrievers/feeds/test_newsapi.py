from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from retrievers.errors import FeedUnreadable
from retrievers.feeds.newsapi import parse_newsapi

ARTICLE: dict[str, Any] = {
    "source": {"id": None, "name": "The Post"},
    "author": "A. Writer",
    "title": "Fog closes the harbour",
    "description": "Fog <b>closed</b> the harbour.",
    "url": "https://news.example/fog?utm_source=newsapi",
    "urlToImage": None,
    "publishedAt": "2026-11-02T09:00:00Z",
    "content": "Fog hid the harbour on Monday, and no ship could leave before the evening tide… [+1234 chars]",
}


def answer(*articles: Any) -> bytes:
    return json.dumps({"status": "ok", "totalResults": len(articles), "articles": articles}).encode()


def test_an_answer_may_be_long_but_not_without_end() -> None:
    articles = [ARTICLE | {"url": f"https://news.example/{number}"} for number in range(5_001)]
    assert len(parse_newsapi(answer(*articles[:600]))) == 600
    with pytest.raises(FeedUnreadable, match="more than 5,000 entries"):
        parse_newsapi(answer(*articles))


def test_an_article_has_all_its_parts_and_is_known_to_be_cut() -> None:
    (item,) = parse_newsapi(answer(ARTICLE))
    assert (item.title, item.source) == ("Fog closes the harbour", "The Post")
    assert item.identity == "https://news.example/fog"
    assert item.published_at == datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    assert item.text == "Fog hid the harbour on Monday, and no ship could leave before the evening tide"
    assert not item.is_whole


def test_content_that_is_long_but_cut_is_no_whole_article() -> None:
    (cut,) = parse_newsapi(answer({**ARTICLE, "content": "word " * 300 + "[+9 chars]"}))
    (whole,) = parse_newsapi(answer({**ARTICLE, "content": "word " * 300}))
    assert (cut.is_whole, whole.is_whole) == (False, True)


@pytest.mark.parametrize("end", ["[+9 chars]", " … [+1234 chars] ", "... [+1 chars]\n"])
def test_the_mark_of_a_cut_is_no_text(end: str) -> None:
    (item,) = parse_newsapi(answer({**ARTICLE, "content": f"Fog hid the harbour for long.{end}"}))
    assert (item.text, item.is_whole) == ("Fog hid the harbour for long.", False)


def test_blanks_without_end_cost_nothing() -> None:
    (item,) = parse_newsapi(
        answer({**ARTICLE, "content": "Fog" + " " * 500_000 + "hid the harbour on Monday morning."})
    )
    assert item.text == "Fog hid the harbour on Monday morning."


def test_articles_that_were_withdrawn_are_left_out() -> None:
    assert parse_newsapi(answer({**ARTICLE, "title": "[Removed]", "url": "https://removed.com"})) == ()


@pytest.mark.parametrize("broken", [None, 3, "x", [], {}])
def test_fields_of_the_wrong_type_are_no_fields(broken: Any) -> None:
    (item,) = parse_newsapi(answer(dict.fromkeys(ARTICLE, broken)))
    assert item.url is None
    parse_newsapi(answer(broken))


def test_an_error_of_the_service_is_told() -> None:
    body = json.dumps({"status": "error", "code": "apiKeyInvalid", "message": "Your API key is invalid"}).encode()
    with pytest.raises(FeedUnreadable, match="apiKeyInvalid: Your API key is invalid"):
        parse_newsapi(body)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"3", b'{"status": "ok"}', b'{"articles": {}}'])
def test_what_is_no_such_answer_is_refused(body: bytes) -> None:
    with pytest.raises(FeedUnreadable, match="the newsapi feed cannot be read"):
        parse_newsapi(body)
