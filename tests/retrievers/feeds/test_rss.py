from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from retrievers.errors import FeedUnreadable
from retrievers.feeds.rss import parse_rss

if TYPE_CHECKING:
    from pathlib import Path

    from retrievers.feeds.item import FeedItem

URL = "https://news.example/feeds/all.xml"
LONG = "The harbour was closed for the night, and nobody could say when it would open again. " * 10


def feed(inside: str, head: str = "<title>The Post</title>") -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" '
        f'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>{head}{inside}</channel></rss>'
    ).encode()


def bare(inside: str) -> str:
    return f'<rss version="2.0"><channel>{inside}</channel></rss>'


def one(inside: str, head: str = "<title>The Post</title>") -> FeedItem:
    (item,) = parse_rss(feed(f"<item>{inside}</item>", head), url=URL)
    return item


def test_an_rss_item_has_all_its_parts() -> None:
    item = one(
        "<guid>1</guid><title>Fog &amp;amp; &lt;i&gt;ice&lt;/i&gt;</title><link>../2026/fog?utm_source=rss</link>"
        "<pubDate>Mon, 02 Nov 2026 10:00:00 +0100</pubDate><description>Teaser.</description>"
        "<content:encoded><![CDATA[<p>One <b>bold</b> word.</p>"
        f"<p>{LONG}</p><script>evil()</script>]]></content:encoded>",
        "<title>The &lt;b&gt;Post&lt;/b&gt;</title><language>en-gb</language>",
    )
    assert (item.title, item.source, item.language) == ("Fog & ice", "The Post", "en-gb")
    assert item.url == "https://news.example/2026/fog?utm_source=rss"
    assert item.identity == "https://news.example/2026/fog"
    assert item.published_at == datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    assert item.text == f"One bold word.\n\n{LONG.strip()}"
    assert item.is_whole


def test_atom_is_read_too() -> None:
    atom = f"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Post</title><entry><id>urn:1</id><title>Fog</title>
    <link href="https://news.example/fog"/><updated>2026-11-02T09:00:00Z</updated>
    <content type="html">&lt;p&gt;{LONG}&lt;/p&gt;</content></entry></feed>"""
    (item,) = parse_rss(atom.encode(), url=URL, content_type="application/atom+xml")
    assert (item.title, item.url, item.is_whole) == ("Fog", "https://news.example/fog", True)
    assert item.published_at == datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("inside", "whole"),
    [
        ("<description>Short.</description>", False),
        (f"<description>{LONG}</description>", True),
        (f"<description>{LONG} […]</description>", False),
        (f"<description>{LONG[:300]}</description>", False),
        (f"<description>Short.</description><content:encoded>{LONG[:300]}</content:encoded>", True),
        (f"<description>{LONG[:300]}</description><content:encoded>{LONG[:300]}</content:encoded>", False),
    ],
    ids=["short", "long", "torn off", "middling", "beside a shorter one", "the same twice"],
)
def test_a_teaser_is_told_from_an_article(inside: str, whole: bool) -> None:
    assert one(f"<guid>1</guid>{inside}").is_whole is whole


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "mailto:a@b.example", "http://a b/"]
)
def test_a_link_that_no_reader_should_follow_is_left_out(link: str) -> None:
    item = one(f"<guid>1</guid><link>{link}</link>")
    assert (item.url, item.identity) == (None, None)


@pytest.mark.parametrize(
    "date",
    [
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Fri, 01 Jan 9999 00:00:00 GMT",
        "Mon, 99 Foo 2026",
        "0000-00-00T00:00:00Z",
        "-1",
    ],
)
def test_a_date_that_cannot_be_is_no_date(date: str) -> None:
    assert one(f"<guid>1</guid><pubDate>{date}</pubDate>").published_at is None


def test_a_guid_that_several_items_have_names_none_of_them() -> None:
    items = parse_rss(
        feed("".join(f"<item><guid>same</guid><link>/{n}</link><title>{n}</title></item>" for n in range(3))), url=URL
    )
    assert len({item.key for item in items}) == 3
    again = parse_rss(feed("<item><guid>same</guid><link>/1</link></item>"), url=URL)
    assert again[0].key not in {items[0].key, items[2].key}


def test_an_address_that_all_items_have_stands_for_none_of_them() -> None:
    items = parse_rss(
        feed("".join(f"<item><link>https://news.example/app</link><title>{n}</title></item>" for n in range(3))),
        url=URL,
    )
    assert [item.identity for item in items] == [None] * 3
    assert len({item.key for item in items}) == 3


def test_an_item_has_the_same_key_in_every_reading() -> None:
    first = one("<guid>1</guid><title>Fog</title>")
    later = one("<guid>1</guid><title>Fog lifts (updated)</title><link>/moved</link>")
    assert first.key == later.key


def test_entities_are_never_expanded() -> None:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE x [<!ENTITY l0 "lol">{levels}]>' + bare("<item><title>&l9;</title></item>")
    started = time.perf_counter()
    items = parse_rss(bomb.encode(), url=URL)
    assert time.perf_counter() - started < 20
    assert all(len(item.title or "") < 100 for item in items)


def test_files_are_never_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(feed("<item><title>secret</title></item>"))
    outside = f'<!DOCTYPE x [<!ENTITY s SYSTEM "{secret.as_uri()}">]>' + bare("<item><title>&s;</title></item>")
    assert "secret" not in str(parse_rss(outside.encode(), url=URL))
    for body in (str(secret).encode(), secret.as_uri().encode()):
        with pytest.raises(FeedUnreadable):
            parse_rss(body, url=URL)


@pytest.mark.parametrize(
    ("declared", "real", "header"),
    [
        ("utf-8", "latin-1", "application/xml"),
        ("utf-8", "utf-16", "application/xml"),
        ("utf-8", "utf-8", "application/xml; charset=nonsense"),
        ("nonsense", "utf-8", "text/xml"),
    ],
)
def test_an_encoding_that_lies_does_not_lose_the_feed(declared: str, real: str, header: str) -> None:
    text = f'<?xml version="1.0" encoding="{declared}"?>' + bare("<item><title>Zürich</title></item>")
    (item,) = parse_rss(text.encode(real), url=URL, content_type=header)
    assert item.title == "Zürich"


def test_of_broken_xml_what_can_be_read_is_kept() -> None:
    broken = feed(f"<item><guid>1</guid><title>Fish & chips</title><description>{LONG}</description>")[:-16]
    (item,) = parse_rss(broken, url=URL)
    assert (item.title, item.is_whole) == ("Fish & chips", True)


@pytest.mark.parametrize(
    "body", [b"", b"\x00", b"no feed", b"<html><body>404</body></html>", b"{}", b"\xff\xfe\x00\xd8"]
)
def test_what_is_no_feed_is_refused(body: bytes) -> None:
    with pytest.raises(FeedUnreadable, match="the rss feed cannot be read"):
        parse_rss(body, url=URL)


def test_a_feed_that_has_nothing_today_is_a_feed() -> None:
    assert parse_rss(feed(""), url=URL) == ()


def test_control_characters_and_half_surrogates_do_not_get_into_articles() -> None:
    item = one(f"<guid>1</guid><title>a&#7;b&#xD800;c</title><description>{LONG}&#8;&#x0;</description>")
    for text in (item.title or "", item.text):
        text.encode()
        assert "\x00" not in text
        assert "\x07" not in text


@pytest.mark.parametrize(
    "inside", ["<a>" * 30_000, "<item><description>" + "<p " * 30_000, "<item><description>" + "<![CDATA[" * 30_000]
)
def test_nesting_and_rubbish_cost_no_more_than_their_length(inside: str) -> None:
    started = time.perf_counter()
    with contextlib.suppress(FeedUnreadable):
        parse_rss(feed(inside), url=URL)
    assert time.perf_counter() - started < 30, "half a second where nothing else runs"


@pytest.mark.parametrize("tag", ["<a>", "&lt;p&gt;", "<![CDATA["])
def test_a_document_of_nothing_but_tags_is_refused_before_it_is_parsed(tag: str) -> None:
    with pytest.raises(FeedUnreadable, match="more than 100,000 tags"):
        parse_rss(feed(tag * 100_000), url=URL)


def test_a_guid_that_is_no_address_is_not_taken_for_one() -> None:
    assert one("<guid>42</guid>").url is None
    assert one("<guid>https://news.example/fog</guid>").url == "https://news.example/fog"
    assert one("<guid>42</guid><link>/fog/42</link>").url == "https://news.example/fog/42"


def test_a_feed_may_be_long_but_not_without_end() -> None:
    def items(count: int) -> int:
        return len(parse_rss(feed("".join(f"<item><guid>{n}</guid></item>" for n in range(count))), url=URL))

    assert items(700) == 700
    with pytest.raises(FeedUnreadable, match="more than 5,000 entries"):
        items(5_001)
