"""Documents that would keep a parser busy for hours, and a service that goes on meanwhile."""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from retrievers.errors import FeedUnreadable
from retrievers.feeds.apart import Apart, ParserGaveUp
from retrievers.feeds.fetcher import Fetcher
from retrievers.feeds.fulltext import complete
from retrievers.feeds.item import FeedItem, FeedSource, Skipped, key_of
from retrievers.feeds.reading import read_feed
from retrievers.fetch import FetchPolicy
from tests.support.feeds import feed_server, real_item, rss, web_page

ENDLESS = b"<?xml version='1.0'?>" + b"\n" * 300_000 + b"<rss version='2.0'></rss>"
"""Quadratic in feedparser: this one takes minutes, and no other thread runs meanwhile."""
HEAVY = "<html><body>" + "a<br>" * 900_000
"""Half a minute of CPU in trafilatura."""


def fetcher(cpu_s: int) -> Fetcher:
    return Fetcher(policy=FetchPolicy(allow_private=True, ports=None), apart=Apart(cpu_s=cpu_s))


def dies() -> None:
    os._exit(3)


async def test_a_feed_that_parses_without_end_is_given_up_while_everything_else_goes_on() -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    brings = fetcher(cpu_s=1)
    async with feed_server(ENDLESS) as server:
        source = FeedSource(kind="rss", url=server.url)
        turning = asyncio.create_task(turn())
        with pytest.raises(FeedUnreadable, match="more than 1 s of CPU"):
            await read_feed(source, brings)
        turning.cancel()
        assert turns > 20
        server.body = rss(real_item(0))
        assert len((await read_feed(source, brings)).items) == 1, "the next document is read"


async def test_a_page_that_cannot_be_extracted_in_time_costs_its_story_only() -> None:
    brings = fetcher(cpu_s=1)
    async with feed_server() as server:
        server.pages |= {"/heavy": HEAVY, "/good": web_page(real_item(0).text)}
        heavy, good = (
            FeedItem(key=key_of("item", path), text="", is_whole=False, url=server.site.url(path))
            for path in ("/heavy", "/good")
        )
        put_off = await complete(heavy, brings, feed_url=server.url)
        given_up = await complete(heavy, brings, feed_url=server.url, last_try=True)
        story = await complete(good, brings, feed_url=server.url)
    assert isinstance(put_off, Skipped)
    assert put_off.again, "the machine may only have been too busy"
    assert put_off.is_try
    assert isinstance(given_up, Skipped)
    assert "more than 1 s of CPU" in given_up.reason
    assert not given_up.again
    assert not isinstance(story, Skipped)


async def test_a_process_is_kept_for_the_next_document_and_replaced_when_it_died() -> None:
    apart = Apart(at_once=1)
    first = await apart.run(os.getpid)
    assert first != os.getpid()
    assert await apart.run(os.getpid) == first
    with pytest.raises(ParserGaveUp):
        await apart.run(dies)
    assert await apart.run(os.getpid) not in {first, os.getpid()}


async def test_nobody_waits_longer_than_the_clock_allows() -> None:
    apart = Apart(wall_s=2.0)
    began = time.monotonic()
    with pytest.raises(ParserGaveUp):
        await apart.run(time.sleep, 60)
    assert time.monotonic() - began < 30
