from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from sqlalchemy import func, select

from domain.errors import FetchRefused
from retrievers.errors import FeedUnreadable, ServerAnswered
from service.errors import Overloaded
from service.feeds.batches import Owner
from service.feeds.errors import FeedBusy, HostAsksToWait, InvalidFeed
from service.storage.feed_rows import FeedSpec
from service.storage.feed_tables import feed_addresses, feed_entries, feed_shingles
from tests.service.feeds.outcomes import outcomes
from tests.support.articles import real_articles
from tests.support.feeds import FakeClock, RememberedBatches, feed_server, real_item, rss

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from service.feeds.feeds import Feeds
    from tests.service.feeds.conftest import OpenFeeds


async def test_what_is_new_becomes_a_batch_and_what_is_known_does_not(feeds: Feeds, batches: RememberedBatches) -> None:
    async with feed_server(rss(real_item(0), real_item(1))) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url), key_id="key_1", tenant="press")
        first = await feeds.pull(feed.id)
        server.body = rss(real_item(2), real_item(1), real_item(0))
        second = await feeds.pull(feed.id)
    assert (first.new, first.known, second.new, second.known) == (2, 0, 1, 2)
    assert [len(batch) for batch in batches.made.values()] == [2, 1]
    assert batches.owners == [Owner(key_id="key_1", tenant="press")] * 2
    article = batches.articles[0]
    assert article.text == real_articles(1)[0].text
    assert (article.title, article.source, article.url) == ("Story 0", "The Post", "https://news.example/story-0")


async def test_a_feed_that_did_not_change_is_not_sent_again(feeds: Feeds, batches: RememberedBatches) -> None:
    async with feed_server(rss(real_item(0))) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        await feeds.pull(feed.id)
        report = await feeds.pull(feed.id)
        asked = server.headers
    assert report.is_unchanged
    assert "If-None-Match" not in asked[0]
    assert "If-None-Match" in asked[1]
    assert feeds.repository.get(feed.id).last_status == "unchanged"
    assert len(batches.made) == 1


async def test_a_batch_that_is_refused_leaves_nothing_marked_and_the_next_pull_takes_it_all(
    feeds: Feeds, batches: RememberedBatches, engine: Engine
) -> None:
    async with feed_server(rss(real_item(0), real_item(1))) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        batches.refuse = Overloaded(1)
        with pytest.raises(Overloaded):
            await feeds.pull(feed.id)
        assert outcomes(engine) == []
        kept = feeds.repository.get(feed.id)
        assert (kept.last_status, kept.failures) == ("failed", 1)
        assert "being made already" in str(kept.last_error)
        batches.refuse = None
        assert (await feeds.pull(feed.id)).new == 2
    assert outcomes(engine) == ["riddled", "riddled"]
    assert feeds.repository.get(feed.id).last_error is None


async def test_a_pull_takes_so_many_and_the_next_one_the_rest(open_them: OpenFeeds, batches: RememberedBatches) -> None:
    feeds = open_them(articles=2)
    async with feed_server(rss(*(real_item(number) for number in range(5)))) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        reports = [await feeds.pull(feed.id) for _ in range(4)]
    assert [(one.new, one.left) for one in reports] == [(2, 3), (2, 1), (1, 0), (0, 0)]
    assert reports[3].is_unchanged
    assert len(batches.articles) == 5


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status": 404}, ServerAnswered),
        ({"status": 500}, ServerAnswered),
        ({"text": "<html><body>no feed</body></html>", "content_type": "text/html"}, FeedUnreadable),
        ({"text": "<rss><channel>", "content_type": "text/xml"}, FeedUnreadable),
        ({"body": b"", "content_type": "text/xml"}, FeedUnreadable),
        ({"body": b"x" * 3_000_001, "content_type": "text/xml"}, FetchRefused),
        ({"body": b"x", "content_type": "image/png"}, FetchRefused),
        ({"status": 302, "headers": {"Location": "http://10.0.0.1/feed"}}, FetchRefused),
        ({"status": 302, "headers": {"Location": "file:///etc/passwd"}}, FetchRefused),
        ({"status": 304}, ServerAnswered),
    ],
    ids=["404", "500", "html", "broken", "empty", "huge", "png", "private", "file", "304-unasked"],
)
async def test_a_feed_that_cannot_be_read_says_why(
    feeds: Feeds, answer: dict[str, Any], error: type[Exception]
) -> None:
    async with feed_server() as server:
        server.answers = [web.Response(**answer)]
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        with pytest.raises(error) as caught:
            await feeds.pull(feed.id)
    kept = feeds.repository.get(feed.id)
    assert (kept.last_status, kept.last_error, kept.failures) == ("failed", str(caught.value), 1)


async def test_a_host_that_asks_to_wait_is_left_alone_by_all_feeds_of_it(feeds: Feeds, clock: FakeClock) -> None:
    async with feed_server(rss(real_item(0))) as server:
        one = await feeds.add(FeedSpec(kind="rss", url=server.url, schedule="* * * * *"))
        other = await feeds.add(FeedSpec(kind="rss", url=f"{server.url}?b", schedule="* * * * *"))
        server.answers = [web.Response(status=429, headers={"Retry-After": "1800"})]
        with pytest.raises(ServerAnswered):
            await feeds.pull(one.id)
        for feed in (one, other):
            with pytest.raises(HostAsksToWait, match="12:30:00 UTC"):
                await feeds.pull(feed.id)
        clock.move(minutes=29)
        assert await feeds.claim_due() == ()
        clock.move(minutes=2)
        assert len(await feeds.claim_due()) == 1, "of one host one at a time"
        assert server.statuses() == 1


async def test_a_feed_is_pulled_once_at_a_time(feeds: Feeds) -> None:
    async with feed_server(rss(real_item(0))) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        other = await feeds.add(FeedSpec(kind="rss", url=f"{server.url}?b"))
        results = await asyncio.gather(
            feeds.pull(feed.id), feeds.pull(feed.id), feeds.pull(other.id), return_exceptions=True
        )
    assert sorted(type(result).__name__ for result in results) == ["FeedBusy", "FeedBusy", "PullReport"]
    assert {str(one)[:4] for one in results if isinstance(one, FeedBusy)} <= {"feed", "anot"}


async def test_a_pull_that_is_cancelled_gives_its_claim_back(feeds: Feeds) -> None:
    async with feed_server() as server:
        server.body = rss(real_item(0, text="", link=server.site.url("/slow")))
        server.hangs = True
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        task = asyncio.create_task(feeds.pull(feed.id))
        await server.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.body = rss(real_item(0))
        assert (await feeds.pull(feed.id)).new == 1


async def test_a_pull_whose_lease_is_over_keeps_nothing(
    open_them: OpenFeeds, engine: Engine, clock: FakeClock, batches: RememberedBatches
) -> None:
    feeds = open_them()
    async with feed_server(rss(real_item(0))) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        claim = feeds.repository.claim(feed.id, now=clock.now)
        clock.move(hours=1)
        assert (await feeds.pull(feed.id)).new == 1, "the first claim is taken for dead"
        assert not isinstance(claim, str)
        assert await feeds.run(claim) is None
    assert outcomes(engine) == ["riddled"]
    assert len(batches.made) == 1


async def test_a_feed_that_is_removed_while_it_is_pulled_makes_no_batch(
    feeds: Feeds, batches: RememberedBatches, engine: Engine
) -> None:
    async with feed_server(rss(real_item(0))) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        claim = feeds.repository.claim(feed.id, now=feeds._clock())
        feeds.repository.remove(feed.id)
        assert not isinstance(claim, str)
        assert await feeds.run(claim) is None
    assert batches.made == {}


async def test_a_private_feed_is_refused_unless_its_network_is_allowed(open_them: OpenFeeds) -> None:
    spec = FeedSpec(kind="rss", url="http://127.0.0.1/feed.xml")
    allowed, refused = open_them(), open_them(networks=())
    with pytest.raises(InvalidFeed, match=r"127\.0\.0\.1 is not a public address"):
        await refused.add(spec)
    feed = await allowed.add(spec)
    with pytest.raises(InvalidFeed, match=r"127\.0\.0\.1 is not a public address"):
        await refused.pull(feed.id)


async def test_a_feed_whose_name_leads_to_a_private_address_is_refused_when_it_is_pulled(open_them: OpenFeeds) -> None:
    async def lookup(host: str, port: int) -> list[str]:
        return ["10.0.0.1"]

    feeds = open_them(lookup, networks=())
    feed = await feeds.add(FeedSpec(kind="rss", url="http://news.example/feed.xml"))
    with pytest.raises(FetchRefused, match=r"resolves to 10\.0\.0\.1, which is not a public address"):
        await feeds.pull(feed.id)


async def test_the_feed_that_ships_works_offline_and_once(feeds: Feeds, batches: RememberedBatches) -> None:
    feed = await feeds.add(FeedSpec(kind="rss", url="sample:"))
    first, second = await feeds.pull(feed.id), await feeds.pull(feed.id)
    assert (first.new, first.skipped, second.new, second.known) == (8, (), 0, 8)
    assert all(article.source == "The Sample Courier" for article in batches.articles)


async def test_a_feed_that_is_removed_takes_its_entries_along(feeds: Feeds, engine: Engine) -> None:
    async with feed_server(rss(real_item(0))) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        await feeds.pull(feed.id)
    feeds.repository.remove(feed.id)
    with engine.connect() as connection:
        for table in (feed_entries, feed_shingles, feed_addresses):
            assert connection.execute(select(func.count()).select_from(table)).scalar() == 0


async def test_a_feed_that_moves_to_another_host_need_not_wait_for_the_old_one(feeds: Feeds) -> None:
    async with feed_server(rss(real_item(0))) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        server.answers = [web.Response(status=429)]
        with pytest.raises(ServerAnswered):
            await feeds.pull(feed.id)
        await feeds.replace(feed.id, FeedSpec(kind="rss", url=f"{server.url}?same-host"))
        with pytest.raises(HostAsksToWait):
            await feeds.pull(feed.id)
        await feeds.replace(feed.id, FeedSpec(kind="rss", url=server.site.url("/feed.xml", host="localhost")))
        assert (await feeds.pull(feed.id)).new == 1
