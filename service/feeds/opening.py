"""Puts the parts of feeds together, as the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrievers.connections import Lookup, system_lookup
from retrievers.feeds.fetcher import Fetcher
from retrievers.feeds.hosts import Hosts
from service.feeds.checking import FeedRules
from service.feeds.feeds import Feeds, utc_now
from service.feeds.pulling import Puller
from service.storage.feed_entries import FeedLedger
from service.storage.feeds import FeedRepository

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Engine

    from service.feeds.batches import Batches
    from service.feeds.pulling import Clock
    from service.settings import Settings


def open_feeds(
    settings: Settings,
    engine: Engine,
    *,
    check_pipeline: Callable[[str], object],
    batches: Batches | None = None,
    clock: Clock = utc_now,
    lookup: Lookup = system_lookup,
) -> Feeds:
    """The feeds of this process.

    Args:
        settings: What the operator set.
        engine: Of the database.
        check_pipeline: Raises when there is no pipeline of that name.
        batches: Where articles go; None where nothing makes batches, so that nothing can be pulled.
        clock: The moment, in UTC.
        lookup: How names are resolved.
    """
    rules = FeedRules.of(settings)
    puller = Puller(
        ledger=FeedLedger(engine),
        fetcher=Fetcher(policy=rules.policy, hosts=Hosts(settings.feeds.pause_s), lookup=lookup),
        batches=batches,
        settings=settings.feeds,
        rules=rules,
        pipeline=settings.pipeline,
        clock=clock,
    )
    return Feeds(
        FeedRepository(engine), puller, check_pipeline=check_pipeline, at_once=settings.feeds.pulls, clock=clock
    )
