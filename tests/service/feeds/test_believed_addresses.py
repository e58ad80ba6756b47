"""What an address says of stories is believed as far as whoever says it can know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from service.storage.feed_rows import FeedSpec
from tests.support.articles import real_articles
from tests.support.feeds import FeedServer, RememberedBatches, feed_server, real_item, rss, web_page
from tests.support.web import loopback_web, redirect

if TYPE_CHECKING:
    from service.feeds.feeds import Feeds
    from service.feeds.report import PullReport
    from tests.support.web import LoopbackWeb

TEXTS = [article.text for article in real_articles(8)]
TEXT = TEXTS[0]


def rewritten(text: str) -> str:
    """Too much for words alone to tell that it is the same story."""
    kept, other = text.split(), " ".join(real_articles(1, start=40)[0].text.split()).split()
    return " ".join([*kept[: len(kept) * 2 // 5], *other[: len(kept) * 3 // 5]])


def teasers(site: LoopbackWeb, *paths: str) -> bytes:
    return rss(*(real_item(0, guid=path, text="", link=site.url(path)) for path in paths))


async def pull(feeds: Feeds, url: str) -> PullReport:
    return await feeds.pull((await feeds.add(FeedSpec(kind="rss", url=url))).id)


async def test_stories_whose_pages_name_one_address_are_different_ones(
    feeds: Feeds, batches: RememberedBatches
) -> None:
    async with feed_server() as server:
        for number in range(4):
            text = "\n\n".join(TEXTS[number * 2 :][:2])
            server.pages[f"/read/{number}"] = web_page(text, canonical=server.site.url("/read"))
        server.body = teasers(server.site, "/read/0", "/read/1")
        one_pull = await pull(feeds, server.url)
        server.body = teasers(server.site, "/read/2")
        another = await pull(feeds, f"{server.url}?b")
        server.body = teasers(server.site, "/read/3", "/read/2", "/read/1", "/read/0")
        again = await pull(feeds, f"{server.url}?c")
    assert (one_pull.new, another.new) == (2, 1)
    assert (again.new, again.duplicate) == (1, 3)
    assert len(batches.articles) == 4


async def test_stories_whose_addresses_lead_to_one_are_different_ones(feeds: Feeds, batches: RememberedBatches) -> None:
    texts = iter(TEXTS)
    site: LoopbackWeb

    async def feed(_: web.Request) -> web.StreamResponse:
        return web.Response(body=teasers(site, "/0", "/1"), content_type="application/rss+xml")

    async def read(_: web.Request) -> web.StreamResponse:
        return web.Response(text=web_page(next(texts)), content_type="text/html")

    routes = {"/feed.xml": feed, "/0": redirect("/read"), "/1": redirect("/read"), "/read": read}
    async with loopback_web(routes) as site:
        assert (await pull(feeds, site.url("/feed.xml"))).new == 2
    assert len(batches.articles) == 2


async def test_an_edited_story_is_one_with_the_page_that_names_the_same_address(
    feeds: Feeds, batches: RememberedBatches
) -> None:
    async with feed_server() as server:
        await _edited_story(server)
        server.body = teasers(server.site, "/b", "/a")
        assert (await pull(feeds, server.url)).duplicate == 1
    assert len(batches.articles) == 1


async def test_an_edited_story_of_another_feed_is_one_with_the_page_that_names_the_same_address(
    feeds: Feeds, batches: RememberedBatches
) -> None:
    async with feed_server() as server:
        await _edited_story(server)
        for path in ("/a", "/b", "/story"):
            server.body = teasers(server.site, path)
            await pull(feeds, f"{server.url}?{path}")
    assert len(batches.articles) == 1


async def _edited_story(server: FeedServer) -> None:
    server.pages["/a"] = server.pages["/story"] = web_page(TEXT, canonical=server.site.url("/story"))
    server.pages["/b"] = web_page(rewritten(TEXT), canonical=server.site.url("/story"))


async def test_without_an_address_the_same_edit_is_another_story(feeds: Feeds, batches: RememberedBatches) -> None:
    async with feed_server(rss(real_item(0), real_item(1, text=rewritten(TEXT)))) as server:
        assert (await pull(feeds, server.url)).new == 2


async def test_a_feed_cannot_suppress_the_story_of_another_publisher(feeds: Feeds, batches: RememberedBatches) -> None:
    async with feed_server() as publisher, feed_server() as stranger:
        scoop = publisher.site.url("/scoop")
        stranger.body = rss(real_item(5, link=scoop))
        publisher.body = rss(real_item(0, link=scoop))
        first = await pull(feeds, stranger.site.url("/feed.xml", host="localhost"))
        second = await pull(feeds, publisher.url)
    assert (first.new, second.new, second.duplicate) == (1, 1, 0)
    assert batches.articles[-1].text == TEXT


async def test_a_stranger_cannot_suppress_a_story_by_a_teaser_whose_page_is_gone(feeds: Feeds) -> None:
    async with feed_server() as publisher, feed_server() as stranger:
        scoop = publisher.site.url("/scoop")
        stranger.body = rss(real_item(5, text="", teaser=TEXTS[5][:500], link=scoop))
        publisher.body = rss(real_item(0, link=scoop))
        first = await pull(feeds, stranger.site.url("/feed.xml", host="localhost"))
        second = await pull(feeds, publisher.url)
    assert (first.new, second.new) == (1, 1)


async def test_a_copy_beside_the_address_of_its_original_is_one_story_with_it(
    feeds: Feeds, batches: RememberedBatches
) -> None:
    async with feed_server() as publisher, feed_server() as aggregator:
        scoop = publisher.site.url("/scoop")
        aggregator.body = rss(real_item(0, text=rewritten(TEXT), link=scoop))
        publisher.body = rss(real_item(0, link=scoop))
        await pull(feeds, aggregator.site.url("/feed.xml", host="localhost"))
        assert (await pull(feeds, publisher.url)).duplicate == 1


async def test_what_the_publisher_told_is_told_for_whoever_lists_it(feeds: Feeds, batches: RememberedBatches) -> None:
    async with feed_server() as publisher, feed_server() as aggregator:
        scoop = publisher.site.url("/scoop")
        publisher.body = rss(real_item(0, link=scoop))
        aggregator.body = rss(real_item(5, link=scoop))
        await pull(feeds, publisher.url)
        assert (await pull(feeds, aggregator.site.url("/feed.xml", host="localhost"))).duplicate == 1
    assert len(batches.articles) == 1
