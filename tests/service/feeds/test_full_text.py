from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.storage.feed_rows import FeedSpec
from tests.service.feeds.outcomes import outcomes
from tests.support.articles import real_articles
from tests.support.feeds import RememberedBatches, feed_server, real_item, rss, web_page

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from service.feeds.feeds import Feeds
    from tests.service.feeds.conftest import OpenFeeds


async def test_a_teaser_is_completed_from_its_page(feeds: Feeds, batches: RememberedBatches) -> None:
    text = "\n\n".join(article.text for article in real_articles(2))
    async with feed_server() as server:
        link = server.site.url("/story?utm_medium=rss")
        server.body = rss(real_item(0, text="", teaser="It happened.", link=link))
        server.pages["/story"] = web_page(text, canonical=server.site.url("/the-story"))
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        assert (await feeds.pull(feed.id)).new == 1
        article = batches.articles[0]
        assert article.url == server.site.url("/the-story")
    assert real_articles(1)[0].text in article.text
    assert article.title == "Story 0"


async def test_a_page_cannot_claim_the_address_of_another_publisher(feeds: Feeds, batches: RememberedBatches) -> None:
    async with feed_server() as server:
        link = server.site.url("/story")
        server.body = rss(real_item(0, text="", link=link))
        server.pages["/story"] = web_page(real_articles(1)[0].text, canonical="https://bbc.example/scoop")
        await feeds.pull((await feeds.add(FeedSpec(kind="rss", url=server.url))).id)
        assert batches.articles[0].url == link


async def test_a_page_that_cannot_be_had_is_tried_again_although_the_feed_did_not_change(
    feeds: Feeds, batches: RememberedBatches, engine: Engine
) -> None:
    async with feed_server() as server:
        server.body = rss(real_item(0, text="", teaser="Short.", link=server.site.url("/story")))
        server.pages["/story"] = 500
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        first = await feeds.pull(feed.id)
        assert [(one.again, one.reason) for one in first.skipped] == [(True, "the server answered 500")]
        assert outcomes(engine) == ["waiting"]
        server.pages["/story"] = web_page(real_articles(1)[0].text)
        assert (await feeds.pull(feed.id)).new == 1
    assert outcomes(engine) == ["riddled"]
    assert len(batches.articles) == 1


async def test_a_page_that_never_comes_is_given_up_after_three_pulls(feeds: Feeds, engine: Engine) -> None:
    async with feed_server() as server:
        server.body = rss(real_item(0, text="", teaser="Short.", link=server.site.url("/story")))
        server.pages["/story"] = 500
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        skipped = [(await feeds.pull(feed.id)).skipped for _ in range(3)]
        assert [one[0].again for one in skipped] == [True, True, False]
        assert (await feeds.pull(feed.id)).is_unchanged
        assert server.site.paths.count("/story") == 3
    assert outcomes(engine) == ["skipped"]


async def test_a_page_that_is_gone_leaves_a_teaser_that_is_long_enough(
    feeds: Feeds, batches: RememberedBatches
) -> None:
    teaser = real_articles(1)[0].text[:500]
    async with feed_server() as server:
        server.body = rss(
            real_item(0, text="", teaser=teaser, link=server.site.url("/gone")),
            real_item(1, text="", teaser="Short.", link=server.site.url("/also-gone")),
            real_item(2, text="", teaser="No link.", link="javascript:alert(1)"),
        )
        report = await feeds.pull((await feeds.add(FeedSpec(kind="rss", url=server.url))).id)
    assert [article.text for article in batches.articles] == [teaser]
    assert [(one.title, one.again) for one in report.skipped] == [("Story 1", False), ("Story 2", False)]
    assert "too short, and the server answered 404" in report.skipped[0].reason
    assert "no page to fetch" in report.skipped[1].reason


async def test_what_is_not_done_in_time_is_left_for_the_next_pull(
    open_them: OpenFeeds, batches: RememberedBatches
) -> None:
    feeds = open_them(pull_s=0.7)
    async with feed_server() as server:
        server.body = rss(real_item(0), real_item(1, text="", link=server.site.url("/slow")))
        server.hangs = True
        report = await feeds.pull((await feeds.add(FeedSpec(kind="rss", url=server.url))).id)
    assert (report.new, report.left) == (1, 1)
    assert len(batches.articles) == 1


async def test_a_public_feed_cannot_send_us_into_the_networks_of_the_operator(
    feeds: Feeds, batches: RememberedBatches
) -> None:
    async with feed_server() as inside, feed_server() as feed_of_others:
        inside.pages["/secret"] = web_page(real_articles(1)[0].text)
        link = inside.site.url("/secret", host="localhost")
        feed_of_others.body = rss(real_item(0, text="", link=link))
        feed = await feeds.add(FeedSpec(kind="rss", url=feed_of_others.url))
        (skipped,) = (await feeds.pull(feed.id)).skipped
        assert inside.site.paths == []
    assert "not a public address" in skipped.reason
    assert batches.made == {}


@pytest.mark.parametrize(
    "page",
    ["<html>" + "<div>" * 50_000, "<html><body>" + "<p>\x00</p>" * 100, "<" * 100_000, "<table>" * 20_000],
    ids=["deep", "nul", "open", "tables"],
)
async def test_a_page_that_trips_parsers_does_not_stop_its_feed(
    feeds: Feeds, batches: RememberedBatches, page: str
) -> None:
    async with feed_server() as server:
        server.pages["/bad"] = page
        server.body = rss(
            real_item(0, text="", link=server.site.url("/bad")),
            real_item(1, text="", link=f"http://{'a' * 70}.example/"),
            real_item(3),
        )
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        report = await feeds.pull(feed.id)
    assert (report.new, len(report.skipped)) == (1, 2)


async def test_a_page_behind_a_wall_is_no_better_than_its_teaser(feeds: Feeds, batches: RememberedBatches) -> None:
    teaser = real_articles(1)[0].text[:400]
    wall = "Please subscribe to read on. It costs little, supports our reporters, and can be ended any time."
    async with feed_server() as server:
        server.pages["/wall"] = web_page(wall)
        server.body = rss(real_item(0, text="", teaser=teaser, link=server.site.url("/wall")))
        await feeds.pull((await feeds.add(FeedSpec(kind="rss", url=server.url))).id)
    assert [article.text for article in batches.articles] == [teaser]


async def test_a_plain_text_page_is_an_article(feeds: Feeds, batches: RememberedBatches) -> None:
    text = real_articles(1)[0].text
    async with feed_server() as server:
        server.plain["/story.txt"] = text
        server.body = rss(real_item(0, text="", link=server.site.url("/story.txt")))
        await feeds.pull((await feeds.add(FeedSpec(kind="rss", url=server.url))).id)
    assert [article.text for article in batches.articles] == [text]


async def test_a_book_is_no_news(feeds: Feeds, batches: RememberedBatches) -> None:
    async with feed_server(rss(real_item(0, text="word " * 50_000))) as server:
        (skipped,) = (await feeds.pull((await feeds.add(FeedSpec(kind="rss", url=server.url))).id)).skipped
    assert "longer than 200,000 letters" in skipped.reason
    assert batches.made == {}
