from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import RiddlewireError
from service.errors import Overloaded
from service.feeds.errors import InvalidFeed
from service.feeds.schedule import check_schedule, next_pull, retry_at
from service.feeds.scheduler import FeedScheduler
from service.storage.feed_rows import FeedSpec
from tests.support.feeds import NOON, FakeClock, RememberedBatches, feed_server, real_item, rss

if TYPE_CHECKING:
    from service.feeds.feeds import Feeds
    from tests.service.feeds.conftest import OpenFeeds


def spec(schedule: str | None, timezone: str = "UTC") -> FeedSpec:
    return FeedSpec(kind="rss", url="https://news.example/rss", schedule=schedule, timezone=timezone)


@pytest.mark.parametrize("schedule", ["* * * * *", "*/15 6-22 * * mon-fri", "0 6 1,15 * *", "30 4 29 2 *", None])
def test_cron_as_people_know_it_is_taken(schedule: str | None) -> None:
    check_schedule(schedule, "Europe/Berlin")


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "* * * *",
        "* * * * * *",
        "@hourly",
        "61 * * * *",
        "0 0 30 2 *",
        "a b c d e",
        "H * * * *",
        "\x00",
        "R R * * *",
        "r(0-30) * * * *",
        "R/15 * * * *",
        "5,R * * * *",
    ],
)
def test_what_is_no_schedule_is_refused(schedule: str) -> None:
    with pytest.raises(InvalidFeed, match="feed schedule"):
        check_schedule(schedule, "UTC")


@pytest.mark.parametrize("timezone", ["Mars/Base", "", "../etc/passwd", "/etc/localtime", "x" * 300, "\x00"])
def test_what_is_no_time_zone_is_refused(timezone: str) -> None:
    with pytest.raises(InvalidFeed, match="feed timezone"):
        check_schedule("* * * * *", timezone)


def test_a_schedule_means_its_own_zone_also_when_the_clocks_change() -> None:
    before = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
    first = next_pull("a", spec("0 6 * * *", "Europe/Berlin"), before - timedelta(days=1))
    after_the_change = next_pull("a", spec("0 6 * * *", "Europe/Berlin"), before)
    assert first is not None
    assert after_the_change is not None
    assert (first.hour, after_the_change.hour) == (5, 4)


@given(st.text(min_size=1, max_size=40), st.integers(0, 10**8))
def test_a_pull_comes_later_than_now_and_at_most_a_tenth_of_its_interval_late(feed_id: str, seconds: int) -> None:
    now = NOON + timedelta(seconds=seconds)
    following = next_pull(feed_id, spec("*/5 * * * *"), now)
    assert following is not None
    assert now < following <= now + timedelta(minutes=5, seconds=30)
    assert following == next_pull(feed_id, spec("*/5 * * * *"), now)


def test_feeds_of_one_schedule_do_not_begin_together() -> None:
    moments = {next_pull(f"feed_{number}", spec("0 * * * *"), NOON) for number in range(100)}
    assert len(moments) > 90


def test_waiting_doubles_up_to_a_day() -> None:
    waits = [retry_at(failures, NOON) - NOON for failures in (1, 2, 3, 9, 10, 1_000_000)]
    minutes = [wait.total_seconds() / 60 for wait in waits]
    assert minutes == [5, 10, 20, 1280, 1440, 1440]


async def test_a_feed_is_pulled_when_it_is_due_and_not_before(
    feeds: Feeds, clock: FakeClock, batches: RememberedBatches
) -> None:
    scheduler = FeedScheduler(feeds, at_once=2)
    async with feed_server(rss(real_item(0))) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url, schedule="0 * * * *"))
        await feeds.add(FeedSpec(kind="rss", url="https://never.example/"))
        clock.move(minutes=59)
        assert await scheduler.tick() == 0
        clock.move(minutes=2)
        assert await scheduler.tick() == 1
        assert await scheduler.tick() == 0, "it is being pulled"
        await scheduler.idle()
        assert await scheduler.tick() == 0, "this hour is done"
        clock.move(hours=1)
        assert await scheduler.tick() == 1
        await scheduler.idle()
        assert server.statuses() == 2
    kept = feeds.repository.get(feed.id)
    assert (kept.last_pull_at, kept.last_status) == (clock.now, "unchanged")
    assert kept.next_pull_at is not None
    assert kept.next_pull_at > clock.now
    assert len(batches.articles) == 1


async def test_two_processes_never_pull_the_same_tick(open_them: OpenFeeds, clock: FakeClock) -> None:
    first, second = (FeedScheduler(open_them(), at_once=9) for _ in range(2))
    adder = open_them()
    added = [
        await adder.add(FeedSpec(kind="rss", url=f"https://{number}.example/", schedule="* * * * *"))
        for number in range(6)
    ]
    clock.move(minutes=3)
    claims = [*await first._feeds.claim_due(4), *await second._feeds.claim_due(), *await first._feeds.claim_due()]
    assert sorted(claim.feed.id for claim in claims) == sorted(feed.id for feed in added)


async def test_a_feed_that_fails_waits_longer_each_time_and_says_why(feeds: Feeds, clock: FakeClock) -> None:
    scheduler = FeedScheduler(feeds, at_once=1)
    waits = []
    async with feed_server(b"<html>") as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url, schedule="* * * * *"))
        for _ in range(3):
            clock.now = feeds.repository.get(feed.id).next_pull_at or clock.now
            assert await scheduler.tick() == 1
            await scheduler.idle()
            following = feeds.repository.get(feed.id).next_pull_at
            assert following is not None
            waits.append((following - clock.now).total_seconds())
        assert waits == [300, 600, 1200]
        assert "cannot be read" in str(feeds.repository.get(feed.id).last_error)
        server.body = rss(real_item(0))
        await feeds.pull(feed.id)
    assert feeds.repository.get(feed.id).failures == 0


async def test_a_batch_that_was_refused_is_tried_before_the_next_day(
    feeds: Feeds, clock: FakeClock, batches: RememberedBatches
) -> None:
    scheduler = FeedScheduler(feeds, at_once=1)
    batches.refuse = Overloaded(1)
    async with feed_server(rss(real_item(0))) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url, schedule="0 6 * * *"))
        clock.move(days=1)
        await scheduler.tick()
        await scheduler.idle()
        assert feeds.repository.get(feed.id).next_pull_at == clock.now + timedelta(minutes=5)
        clock.move(minutes=5)
        batches.refuse = None
        await scheduler.tick()
        await scheduler.idle()
    assert len(batches.articles) == 1


async def test_what_nobody_foresaw_ends_one_pull_and_not_the_scheduler(
    feeds: Feeds, clock: FakeClock, batches: RememberedBatches
) -> None:
    scheduler = FeedScheduler(feeds, at_once=1)
    batches.refuse = KeyError("a secret")
    async with feed_server(rss(real_item(0))) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url, schedule="* * * * *"))
        clock.move(minutes=2)
        await scheduler.tick()
        await scheduler.idle()
    assert feeds.repository.get(feed.id).last_error == "KeyError; the log has more"


async def test_a_schedule_that_stops_leaves_its_feeds_due(feeds: Feeds, clock: FakeClock) -> None:
    scheduler = FeedScheduler(feeds, at_once=1, every_s=0.01)
    async with feed_server() as server:
        server.body = rss(real_item(0, text="", link=server.site.url("/slow")))
        server.hangs = True
        await feeds.add(FeedSpec(kind="rss", url=server.url, schedule="* * * * *"))
        clock.move(minutes=2)
        scheduler.start()
        await server.asked.wait()
        await scheduler.stop()
    assert len(await feeds.claim_due()) == 1


async def test_a_feed_that_was_changed_while_it_was_pulled_keeps_what_was_said(feeds: Feeds, clock: FakeClock) -> None:
    async with feed_server(rss(real_item(0))) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url, schedule="0 * * * *"))
        claim = feeds.repository.claim(feed.id, now=clock.now)
        changed = await feeds.replace(feed.id, FeedSpec(kind="rss", url=f"{server.url}?new"))
        assert not isinstance(claim, str)
        await feeds.run(claim)
    kept = feeds.repository.get(feed.id)
    assert (kept.spec, kept.next_pull_at, kept.condition.etag) == (changed.spec, None, None)
    assert kept.last_status == "ok"


async def test_a_feed_elsewhere_does_not_inherit_what_the_old_place_said(feeds: Feeds) -> None:
    async with feed_server(rss(real_item(0))) as server:
        feed = await feeds.add(FeedSpec(kind="rss", url=server.url))
        await feeds.pull(feed.id)
        assert feeds.repository.get(feed.id).condition.etag
        await feeds.replace(feed.id, FeedSpec(kind="rss", url=server.url, schedule="0 * * * *"))
        assert feeds.repository.get(feed.id).condition.etag, "the same place"
        await feeds.replace(feed.id, FeedSpec(kind="rss", url=f"{server.url}?x"))
        assert feeds.repository.get(feed.id).condition.etag is None


async def test_a_pipeline_that_is_not_there_is_refused(engine: object, open_them: OpenFeeds) -> None:
    feeds = open_them()
    asked: list[str] = []

    def check(name: str) -> None:
        asked.append(name)
        raise RiddlewireError(name)

    feeds._check_pipeline = check
    with pytest.raises(RiddlewireError):
        await feeds.add(FeedSpec(kind="rss", url="sample:", pipeline="none"))
    assert asked == ["none"]
