"""Entries that a feed lists no more are forgotten, and no story is riddled again for it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from sqlalchemy import event, select

from retrievers.errors import ServerAnswered
from service.storage.feed_rows import FeedSpec
from service.storage.feed_tables import feed_entries
from tests.service.feeds.outcomes import outcomes
from tests.support.feeds import FakeClock, RememberedBatches, feed_server, real_item, rss

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from service.feeds.feeds import Feeds
    from tests.service.feeds.conftest import OpenFeeds

KEEP_DAYS = 30
VIDEO = real_item(90, text="", link="", guid="video-1")
"""An entry that gives no article: it has no text and no page."""


async def test_an_entry_without_a_riddle_is_kept_as_long_as_its_feed_lists_it(
    feeds: Feeds, clock: FakeClock, engine: Engine
) -> None:
    async with feed_server() as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        for number in range(4):
            server.body = rss(real_item(number), VIDEO)
            await feeds.pull(feed.id)
            clock.move(days=KEEP_DAYS - 5)
            assert feeds.purge() == 0
        server.body = rss(real_item(4))
        await feeds.pull(feed.id)
        assert feeds.purge() == 0, "it was listed a few days ago"
        clock.move(days=10)
        server.body = rss(real_item(5))
        await feeds.pull(feed.id)
        assert feeds.purge() == 1
    assert outcomes(engine) == ["riddled"] * 6


async def test_what_was_riddled_is_recognised_however_long_ago_that_was(
    feeds: Feeds, clock: FakeClock, batches: RememberedBatches
) -> None:
    async with feed_server(rss(real_item(0))) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        await feeds.pull(feed.id)
        for number in (1, 2):
            clock.move(days=400)
            server.body = rss(real_item(number))
            await feeds.pull(feed.id)
            assert feeds.purge() == 0
        server.body = rss(real_item(0))
        again = await feeds.pull(feed.id)
        moved = real_item(0, guid="another-guid", link="https://news.example/story-0")
        server.body = rss(moved)
        elsewhere = await feeds.pull(feed.id)
    assert (again.new, again.known) == (0, 1)
    assert (elsewhere.new, elsewhere.duplicate) == (0, 1)
    assert len(batches.articles) == 3


async def test_a_feed_that_does_not_change_or_is_down_still_lists_what_it_listed(
    feeds: Feeds, clock: FakeClock, engine: Engine
) -> None:
    async with feed_server(rss(real_item(0), VIDEO)) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        await feeds.pull(feed.id)
        clock.move(days=2 * KEEP_DAYS)
        assert (await feeds.pull(feed.id)).is_unchanged
        server.answers = [web.Response(status=500)]
        with pytest.raises(ServerAnswered):
            await feeds.pull(feed.id)
        assert feeds.purge() == 0
        clock.move(days=1)
        server.body = rss(real_item(1), VIDEO)
        assert (await feeds.pull(feed.id)).known == 1
        assert feeds.purge() == 0, "it is still listed"
    assert sorted(outcomes(engine)) == ["riddled", "riddled", "skipped"]


async def test_a_story_told_in_the_same_words_is_not_forgotten_while_texts_are_compared(
    open_them: OpenFeeds, clock: FakeClock, engine: Engine
) -> None:
    feeds = open_them(keep_days=1, memory_days=20)
    double = real_item(0, guid="double", link="https://news.example/double")
    async with feed_server(rss(real_item(0), double)) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        await feeds.pull(feed.id)
        for days, dropped in ((19, 0), (3, 1)):
            clock.move(days=days)
            server.body = rss(real_item(days))
            await feeds.pull(feed.id)
            assert feeds.purge() == dropped
    assert outcomes(engine) == ["riddled"] * 3


async def test_feeds_are_forgotten_by_their_own_readings(feeds: Feeds, clock: FakeClock, engine: Engine) -> None:
    async with feed_server(rss(VIDEO)) as still, feed_server(rss(VIDEO, real_item(1))) as busy:
        for server in (still, busy):
            await feeds.pull((await feeds.add(FeedSpec(kind="rss", url=server.url))).id)
        clock.move(days=KEEP_DAYS + 2)
        busy.body = rss(real_item(2))
        for feed in feeds.repository.list(limit=10).items:
            await feeds.pull(feed.id)
        assert feeds.purge() == 1
    assert outcomes(engine).count("skipped") == 1


async def test_what_is_listed_at_every_pull_is_written_once_a_day(
    feeds: Feeds, clock: FakeClock, engine: Engine
) -> None:
    changed: list[int] = []

    @event.listens_for(engine, "after_cursor_execute")
    def count(_: object, cursor: Any, statement: str, *__: object) -> None:
        if statement.startswith("UPDATE feed_entries SET listed_at"):
            changed.append(cursor.rowcount)

    async with feed_server() as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        for number in range(4):
            server.body = rss(*(real_item(one) for one in range(number + 1)))
            await feeds.pull(feed.id)
            clock.move(hours=13)
    assert changed == [0, 0, 1, 1]
    with engine.connect() as connection:
        listed = connection.execute(select(feed_entries.c.listed_at)).scalars().all()
    assert max(listed) - min(listed) < timedelta(days=1.1)
