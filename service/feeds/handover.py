"""The end of a pull: stories become a batch and its entries are marked, in one transaction or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from service.feeds.batches import Owner
from service.feeds.report import PullReport
from service.feeds.schedule import next_pull
from service.feeds.sorting import duplicate_of, told_once
from service.storage.feed_entries import settle
from service.storage.feed_settlement import Duplicate, Overtaken, Settlement, Shelf, Sketched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from retrievers.feeds.fulltext import Story
    from retrievers.feeds.item import Condition, Skipped
    from service.feeds.batches import Batches
    from service.feeds.sorting import Sorted
    from service.storage.feed_entries import FeedLedger
    from service.storage.feeds import Claim

_LOOKS = 5
"""So often stories are looked up again when other pulls are faster with some of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """What a pull found, ready to be handed over.

    Args:
        claim: Of the pull.
        ledger: What came of entries.
        batches: Where the stories go.
        shelf: Among which stories duplicates are looked for.
        entries: The reading's, sorted.
        condition: For the next reading, when nothing is left undone.
        stories: That are new by their key and address.
        skipped: That give no article.
        waiting: Whose page's host asked to be left alone; they count among those left.
        left: How many entries are left for the next pull.
    """

    claim: Claim
    ledger: FeedLedger
    batches: Batches
    shelf: Shelf
    entries: Sorted
    condition: Condition
    stories: tuple[Story, ...]
    skipped: tuple[Skipped, ...]
    waiting: tuple[Skipped, ...]
    left: int

    async def run(self, clock: Callable[[], datetime]) -> PullReport:
        """Make the batch and settle the claim.

        Raises:
            RiddlewireError: The batch was refused, or the claim is lost; nothing is marked then.
        """
        stories, doubles = await asyncio.to_thread(told_once, self.stories)
        for _ in range(_LOOKS):
            twins = await asyncio.to_thread(self.ledger.twins, self.shelf, stories)
            settlement = self._settlement(clock(), stories, doubles, twins)
            try:
                batch_id = await self._settle(settlement)
            except Overtaken:
                continue
            return self._report(settlement, batch_id)
        raise Overtaken

    def _settlement(
        self,
        now: datetime,
        stories: tuple[Sketched, ...],
        doubles: tuple[Duplicate, ...],
        twins: Mapping[str, str],
    ) -> Settlement:
        told = tuple(duplicate_of(one, twins[one.story.key]) for one in stories if one.story.key in twins)
        moved = tuple(replace(one, of=twins.get(one.of, one.of)) for one in doubles)
        is_done = not self.left and not any(one.again for one in self.skipped)
        feed = self.claim.feed
        return Settlement(
            shelf=self.shelf,
            now=now,
            status="ok",
            condition=self.condition if is_done else None,
            next_pull_at=next_pull(feed.id, feed.spec, now),
            listed=self.entries.listed,
            stories=tuple(one for one in stories if one.story.key not in twins),
            duplicates=(*self.entries.duplicates, *told, *moved),
            skipped=(*self.skipped, *self.waiting),
        )

    async def _settle(self, settlement: Settlement) -> str | None:
        if not settlement.stories:
            await asyncio.to_thread(self.ledger.settle, self.claim, settlement)
            return None

        def also(connection: Connection, batch_id: str) -> None:
            settle(connection, self.claim, settlement, batch_id=batch_id)

        feed = self.claim.feed
        return await self.batches.make(
            [one.story.article for one in settlement.stories],
            pipeline=self.shelf.pipeline,
            owner=Owner(key_id=feed.key_id, tenant=feed.tenant),
            also=also,
        )

    def _report(self, settlement: Settlement, batch_id: str | None) -> PullReport:
        return PullReport(
            batch_id=batch_id,
            new=len(settlement.stories),
            known=self.entries.known,
            duplicate=len(settlement.duplicates),
            skipped=self.skipped,
            left=self.left,
        )
