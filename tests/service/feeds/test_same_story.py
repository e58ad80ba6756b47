from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sqlalchemy import select

from service.storage.feed_rows import FeedSpec
from service.storage.feed_tables import feed_entries, feed_shingles
from tests.support.articles import real_articles
from tests.support.feeds import FakeClock, RememberedBatches, feed_server, real_item, rss

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from service.feeds.feeds import Feeds
    from tests.service.feeds.conftest import OpenFeeds


async def test_the_same_story_from_two_feeds_is_one_article(
    feeds: Feeds, batches: RememberedBatches, engine: Engine
) -> None:
    text = real_articles(1)[0].text
    copied = f"By our own reporter, with agencies. {text[: int(len(text) * 0.7)]}"
    other = real_item(0, guid="x-1", link="https://other.example/a", text=copied, title="Quite another headline")
    async with feed_server(rss(real_item(0))) as one, feed_server(rss(other, real_item(5))) as two:
        await feeds.pull((await feeds.add(FeedSpec(kind="rss", url=one.url))).id)
        second = await feeds.add(FeedSpec(kind="rss", url=two.url))
        report = await feeds.pull(second.id)
    assert (report.new, report.duplicate) == (1, 1)
    assert len(batches.articles) == 2
    with engine.connect() as connection:
        original, duplicate = (
            connection.execute(select(feed_entries).where(feed_entries.c.outcome == outcome)).first()
            for outcome in ("riddled", "duplicate")
        )
    assert original is not None
    assert duplicate is not None
    assert duplicate.duplicate_of == original.id


async def test_the_same_address_is_one_article_whatever_stands_there(feeds: Feeds, batches: RememberedBatches) -> None:
    async with feed_server() as server:
        for number, path in enumerate(("/a/?utm_source=one&id=7", "/a?id=7&fbclid=x#top")):
            server.body = rss(real_item(number * 9, guid=path, link=server.site.url(path)))
            await feeds.pull((await feeds.add(FeedSpec(kind="rss", url=f"{server.url}?{number}"))).id)
    assert len(batches.articles) == 1


async def test_a_story_that_one_pull_sees_twice_is_one_article(feeds: Feeds, batches: RememberedBatches) -> None:
    twice = rss(real_item(0), real_item(0, guid="other", link="https://elsewhere.example/z"))
    async with feed_server(twice) as server:
        report = await feeds.pull((await feeds.add(FeedSpec(kind="rss", url=server.url))).id)
    assert (report.new, report.duplicate, len(batches.articles)) == (1, 1, 1)


async def test_another_pipeline_makes_another_riddle_of_the_same_story(
    feeds: Feeds, batches: RememberedBatches
) -> None:
    async with feed_server(rss(real_item(0))) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url, pipeline="one"))
        await feeds.pull(feed.id)
        await feeds.replace(feed.id, FeedSpec(kind="rss", url=server.url, pipeline="two"))
        assert (await feeds.pull(feed.id)).new == 1
        await feeds.replace(feed.id, FeedSpec(kind="rss", url=server.url, pipeline="one"))
        assert (await feeds.pull(feed.id)).new == 0
    assert batches.pipelines == ["one", "two"]


async def test_tenants_do_not_take_stories_from_each_other(feeds: Feeds, batches: RememberedBatches) -> None:
    async with feed_server(rss(real_item(0))) as server:
        for tenant in ("one", "two"):
            await feeds.pull((await feeds.add(FeedSpec(kind="rss", url=server.url), tenant=tenant)).id)
    assert len(batches.articles) == 2


async def test_words_are_compared_for_some_days_only(
    feeds: Feeds, batches: RememberedBatches, clock: FakeClock, engine: Engine
) -> None:
    again = real_item(0, guid="again", link="https://news.example/again")
    async with feed_server(rss(real_item(0))) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        await feeds.pull(feed.id)
        clock.move(days=8)
        server.body = rss(again)
        assert (await feeds.pull(feed.id)).new == 1
    with engine.connect() as connection:
        seen = set(connection.execute(select(feed_shingles.c.seen_at)).scalars())
    assert seen == {clock.now}, "what is older is forgotten"


async def test_two_processes_that_pull_the_same_story_at_once_make_one_article(
    open_them: OpenFeeds, batches: RememberedBatches, engine: Engine
) -> None:
    items = [real_item(number) for number in range(6)]
    elsewhere = [real_item(number, guid=f"b{number}", link=f"https://b.example/{number}") for number in range(6)]
    async with feed_server(rss(*items)) as one, feed_server(rss(*elsewhere)) as two:
        processes = [open_them(), open_them()]
        added = [
            await feeds.add(FeedSpec(kind="rss", url=server.url.replace("127.0.0.1", name)))
            for feeds, server, name in zip(processes, (one, two), ("127.0.0.1", "localhost"), strict=True)
        ]
        reports = await asyncio.gather(*(feeds.pull(feed.id) for feeds, feed in zip(processes, added, strict=True)))
    assert sum(report.new for report in reports) == 6
    assert len({article.text for article in batches.articles}) == len(batches.articles) == 6
