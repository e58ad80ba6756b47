"""One pull: read the feed, complete what is new, leave out what was told, and hand the rest over as a batch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from retrievers.feeds.fulltext import Story, complete
from retrievers.feeds.item import FeedSource, Skipped
from retrievers.feeds.reading import read_feed
from service.feeds.batches import NoBatches
from service.feeds.handover import HandOver
from service.feeds.report import PullReport
from service.feeds.schedule import next_pull
from service.feeds.sorting import Sorted, keys_of, open_entries, sort_entries
from service.storage.feed_settlement import Settlement, Shelf

if TYPE_CHECKING:
    from retrievers.feeds.fetcher import Fetcher
    from retrievers.feeds.item import FeedItem, Reading
    from service.feeds.batches import Batches
    from service.feeds.checking import FeedRules
    from service.setting_groups.background import FeedSettings
    from service.storage.feed_entries import FeedLedger
    from service.storage.feed_rows import Feed
    from service.storage.feeds import Claim

Clock = Callable[[], datetime]

_PAGES_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Puller:
    """What pulls have in common.

    Args:
        ledger: What came of entries.
        fetcher: Brings feeds and pages.
        batches: Where articles go; None where nothing makes batches.
        settings: How much at once.
        rules: What the operator allows; asked again with every pull.
        pipeline: Of feeds that name none.
        clock: The moment, in UTC.
    """

    ledger: FeedLedger
    fetcher: Fetcher
    batches: Batches | None
    settings: FeedSettings
    rules: FeedRules
    pipeline: str
    clock: Clock

    async def pull(self, claim: Claim) -> PullReport:
        """Pull a claimed feed and settle the claim, unless this raises: then nothing of the pull is kept.

        Raises:
            NoBatches: Nothing makes batches here.
        RiddlewireError: The feed cannot be read, or its batch was refused.
        """
        batches = self.batches
        if batches is None:
            raise NoBatches
        ends_at = asyncio.get_running_loop().time() + self.settings.pull_s
        self.rules.check(claim.feed.spec)
        reading = await self._read(claim.feed)
        if reading.is_unchanged:
            await asyncio.to_thread(self.ledger.settle, claim, self._unchanged(claim.feed))
            return PullReport(is_unchanged=True)
        shelf = self._shelf(claim.feed)
        entries = await self._sort(claim.feed, reading, shelf)
        done, late = await self._complete(entries, claim.feed.spec.url or "", reading.is_private, ends_at)
        skipped = tuple(one for one in done if isinstance(one, Skipped))
        waiting = tuple(one for one in skipped if one.again and not one.is_try)
        work = HandOver(
            claim=claim,
            ledger=self.ledger,
            batches=batches,
            shelf=shelf,
            entries=entries,
            condition=reading.condition,
            stories=tuple(one for one in done if isinstance(one, Story)),
            skipped=(*entries.skipped, *(one for one in skipped if one not in waiting)),
            waiting=waiting,
            left=entries.left + late + len(waiting),
        )
        return await work.run(self.clock)

    def _shelf(self, feed: Feed) -> Shelf:
        return Shelf(
            feed_id=feed.id,
            pipeline=feed.spec.pipeline or self.pipeline,
            since=self.clock() - timedelta(days=self.settings.memory_days),
            tenant=feed.tenant,
        )

    def _unchanged(self, feed: Feed) -> Settlement:
        now = self.clock()
        return Settlement(
            shelf=self._shelf(feed),
            now=now,
            status="unchanged",
            condition=None,
            next_pull_at=next_pull(feed.id, feed.spec, now),
        )

    async def _read(self, feed: Feed) -> Reading:
        spec = feed.spec
        secret = self.settings.api_keys[spec.api_key].key.get_secret_value() if spec.api_key else None
        source = FeedSource(
            kind=spec.kind, url=spec.url or "", loader=spec.loader or "", arguments=spec.arguments, api_key=secret
        )
        return await read_feed(
            source,
            self.fetcher,
            condition=feed.condition,
            folders=self.rules.folders,
            loader_s=self.settings.pull_s,
        )

    async def _sort(self, feed: Feed, reading: Reading, shelf: Shelf) -> Sorted:
        now = self.clock()
        known = await asyncio.to_thread(self.ledger.known, feed.id, shelf.pipeline, keys_of(reading))
        addresses = open_entries(reading, known, now=now).addresses
        told = await asyncio.to_thread(self.ledger.told, shelf, addresses)
        return sort_entries(reading, known, told, limit=self.settings.articles, now=now)

    async def _complete(
        self, entries: Sorted, feed_url: str, is_private: bool, ends_at: float
    ) -> tuple[list[Story | Skipped], int]:
        """What became of the fresh entries, in their order, and how many were not done in time."""
        if not entries.fresh:
            return [], 0
        room = asyncio.Semaphore(_PAGES_AT_ONCE)

        async def one(item: FeedItem) -> Story | Skipped:
            async with room:
                return await complete(
                    item,
                    self.fetcher,
                    feed_url=feed_url if is_private else "",
                    publisher_url=feed_url,
                    last_try=item.key in entries.last_try,
                    is_overdue=item.key in entries.overdue,
                )

        tasks = [asyncio.create_task(one(item)) for item in entries.fresh]
        try:
            left_s = max(0.0, ends_at - asyncio.get_running_loop().time())
            _, late = await asyncio.wait(tasks, timeout=left_s)
        finally:
            for task in tasks:
                task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return [task.result() for task in tasks if task not in late], len(late)
