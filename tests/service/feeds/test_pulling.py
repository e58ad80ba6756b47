from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from sqlalchemy import func, select

from domain.errors import FetchError, FetchRefused
from retrievers.errors import FeedUnreadable, ServerAnswered
from service.errors import Overloaded
from service.feeds.batches import Owner
from service.feeds.errors import FeedBusy, HostAsksToWait
from service.storage.feed_rows import FeedSpec
from service.storage.feed_tables import feed_addresses, feed_entries, feed_shingles
from tests.support.articles import real_articles
from tests.support.feeds import FakeClock, RememberedBatches, feed_server, real_item, rss, web_page

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from service.feeds.feeds import Feeds
    from tests.service.feeds.conftest import OpenFeeds


def outcomes(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(select(feed_entries.c.outcome).order_by(feed_entries.c.id)).scalars())


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
    linked = real_item(0, link="https://www.news.example/a?utm_source=one&id=7")
    again = real_item(9, guid="b", link="http://news.example/a/?id=7&fbclid=x#top")
    async with feed_server(rss(linked)) as one, feed_server(rss(again)) as two:
        for server in (one, two):
            await feeds.pull((await feeds.add(FeedSpec(kind="rss", url=server.url))).id)
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


async def test_a_pull_takes_so_many_and_the_next_one_the_rest(open_them: OpenFeeds, batches: RememberedBatches) -> None:
    feeds = open_them(articles=2)
    async with feed_server(rss(*(real_item(number) for number in range(5)))) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        reports = [await feeds.pull(feed.id) for _ in range(4)]
    assert [(one.new, one.left) for one in reports] == [(2, 3), (2, 1), (1, 0), (0, 0)]
    assert reports[3].is_unchanged
    assert len(batches.articles) == 5


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
    feeds = open_them(networks=())
    feed = await feeds.add(FeedSpec(kind="rss", url="http://127.0.0.1/feed.xml"))
    with pytest.raises(FetchError, match=r"127\.0\.0\.1 is not a public address"):
        await feeds.pull(feed.id)


async def test_the_feed_that_ships_works_offline_and_once(feeds: Feeds, batches: RememberedBatches) -> None:
    feed = await feeds.add(FeedSpec(kind="rss", url="sample:"))
    first, second = await feeds.pull(feed.id), await feeds.pull(feed.id)
    assert (first.new, first.skipped, second.new, second.known) == (8, (), 0, 8)
    assert all(article.source == "The Sample Courier" for article in batches.articles)


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


async def test_two_items_that_lead_to_the_same_page_are_one_article(feeds: Feeds, batches: RememberedBatches) -> None:
    texts = [article.text for article in real_articles(4)]
    async with feed_server() as server:
        for number in (0, 1):
            page = web_page("\n\n".join(texts[number * 2 :][:2]), canonical=server.site.url("/the-story"))
            server.pages[f"/{number}"] = page
        server.body = rss(*(real_item(n, text="", link=server.site.url(f"/{n}")) for n in (0, 1)))
        report = await feeds.pull((await feeds.add(FeedSpec(kind="rss", url=server.url))).id)
    assert (report.new, report.duplicate) == (1, 1)


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
