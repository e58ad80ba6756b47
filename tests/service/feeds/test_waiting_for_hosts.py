"""Hosts of pages that ask to be left alone: their stories come later, and none is lost for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.storage.feed_rows import FeedSpec
from tests.service.feeds.outcomes import outcomes
from tests.support.articles import real_articles
from tests.support.feeds import FakeClock, FeedServer, RememberedBatches, feed_server, real_item, rss, web_page

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from tests.service.feeds.conftest import OpenFeeds

# Each pull is one of a process of its own: in one process the feed, which here is on the host of its pages, would wait.


def teasers(server: FeedServer, count: int) -> list[str]:
    """So many teasers with a page each; gives the paths of the pages."""
    paths = [f"/{number}" for number in range(count)]
    server.body = rss(*(real_item(0, guid=path, text="", link=server.site.url(path)) for path in paths))
    return paths


@pytest.mark.parametrize("status", [429, 503])
async def test_a_host_that_asks_to_wait_costs_no_story(
    open_them: OpenFeeds, batches: RememberedBatches, engine: Engine, status: int
) -> None:
    async with feed_server() as server:
        paths = teasers(server, 5)
        server.pages = dict.fromkeys(paths, status)
        feed = await open_them().add(FeedSpec(kind="rss", url=server.url))
        for _ in range(4):
            report = await open_them().pull(feed.id)
            assert (report.new, report.skipped, report.left, report.known) == (0, (), 5, 0)
        assert outcomes(engine) == ["waiting"] * 5
        assert sum(server.site.paths.count(path) for path in paths) == 4, "one is asked in each pull"
        assert not any("If-None-Match" in headers for headers in server.headers)
        for path, article in zip(paths, real_articles(5), strict=True):
            server.pages[path] = web_page(article.text)
        report = await open_them().pull(feed.id)
        assert (report.new, report.left) == (5, 0)
        assert (await open_them().pull(feed.id)).is_unchanged
    assert len(batches.articles) == 5


async def test_a_host_that_always_asks_to_wait_is_given_up_after_a_week(
    open_them: OpenFeeds, clock: FakeClock, engine: Engine
) -> None:
    async with feed_server() as server:
        server.pages = dict.fromkeys(teasers(server, 3), 429)
        feed = await open_them().add(FeedSpec(kind="rss", url=server.url))
        for _ in range(3):
            assert (await open_them().pull(feed.id)).left == 3
            clock.move(days=2.5)
        report = await open_them().pull(feed.id)
        assert [one.again for one in report.skipped] == [False] * 3
        assert "the server answered 429" in report.skipped[0].reason
        assert report.left == 0
    assert outcomes(engine) == ["skipped"] * 3


async def test_a_page_that_always_asks_to_wait_does_not_keep_the_others_of_its_host(
    open_them: OpenFeeds, clock: FakeClock, batches: RememberedBatches
) -> None:
    async with feed_server() as server:
        paths = teasers(server, 4)
        for path, article in zip(paths, real_articles(4), strict=True):
            server.pages[path] = web_page(article.text)
        server.pages[paths[0]] = 503
        feed = await open_them().add(FeedSpec(kind="rss", url=server.url))
        for _ in range(20):
            await open_them().pull(feed.id)
            clock.move(hours=1)
    assert len(batches.articles) == 3


async def test_other_failures_are_still_counted_after_a_host_asked_to_wait(
    open_them: OpenFeeds, engine: Engine
) -> None:
    async with feed_server() as server:
        (path,) = teasers(server, 1)
        feed = await open_them().add(FeedSpec(kind="rss", url=server.url))
        for status in (429, 500, 429, 500, 429):
            server.pages[path] = status
            assert (await open_them().pull(feed.id)).new == 0
            assert outcomes(engine) == ["waiting"]
        server.pages[path] = 500
        await open_them().pull(feed.id)
    assert outcomes(engine) == ["skipped"]
