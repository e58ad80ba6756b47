"""What /v1/feeds does, without HTTP's shapes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from service.feeds.batches import Owner
from service.feeds.schemas import entries_payload, feed_payload

if TYPE_CHECKING:
    from service.auth import Caller
    from service.feeds.feeds import Feeds
    from service.feeds.report import PullReport
    from service.feeds.schemas import FeedIn
    from service.resources import Resources
    from service.storage.feed_rows import Feed


async def list_feeds(resources: Resources, caller: Caller, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of feeds, newest first.

    Raises:
        InvalidCursor: The cursor is not one of ours.
    """
    repository = resources.feeds.repository
    page = await asyncio.to_thread(repository.list, scope=caller.scope, limit=limit, cursor=cursor)
    return {"items": await _payloads(resources.feeds, *page.items), "next_cursor": page.next_cursor}


async def get_feed(resources: Resources, feed_id: str, caller: Caller) -> dict[str, Any]:
    """One feed.

    Raises:
        NotFound: There is none of that id that the caller may see.
    """
    feed = await asyncio.to_thread(resources.feeds.repository.get, feed_id, scope=caller.scope)
    return (await _payloads(resources.feeds, feed))[0]


async def add(resources: Resources, given: FeedIn, caller: Caller) -> dict[str, Any]:
    """Keep a new feed.

    Raises:
        InvalidFeed: It cannot be as it was said.
        NotFound: There is no such pipeline or document loader.
    """
    feed = await resources.feeds.add(given.to_spec(), key_id=caller.key_id, tenant=caller.tenant)
    return feed_payload(feed, {})


async def replace(resources: Resources, feed_id: str, given: FeedIn, caller: Caller) -> dict[str, Any]:
    """Say anew what a feed should be.

    Raises:
        InvalidFeed: It cannot be as it was said.
        NotFound: There is no such feed, pipeline or document loader.
    """
    feed = await resources.feeds.replace(feed_id, given.to_spec(), scope=caller.scope)
    return (await _payloads(resources.feeds, feed))[0]


async def remove(resources: Resources, feed_id: str, caller: Caller) -> None:
    """Remove a feed; its riddles stay.

    Raises:
        NotFound: There is none of that id that the caller may change.
    """
    await asyncio.to_thread(resources.feeds.repository.remove, feed_id, scope=caller.scope)


async def pull(resources: Resources, feed_id: str, caller: Caller) -> dict[str, Any]:
    """Pull a feed now; the pull goes on when whoever asked for it has gone.

    Raises:
        NotFound: There is none of that id that the caller may see.
        RiddlewireError: As `Feeds.pull`.
    """
    slots = resources.in_flight.reserve()
    work = resources.feeds.pull(feed_id, scope=caller.scope)
    report = await asyncio.shield(resources.in_flight.start(work, slots))
    return {"batch": await _batch(resources.feeds, report, feed_id), "entries": entries_payload(report)}


async def _batch(feeds: Feeds, report: PullReport, feed_id: str) -> dict[str, Any] | None:
    if report.batch_id is None or feeds.puller.batches is None:
        return None
    feed = await asyncio.to_thread(feeds.repository.get, feed_id)
    owner = Owner(key_id=feed.key_id, tenant=feed.tenant)
    return await feeds.puller.batches.show(report.batch_id, owner=owner)


async def _payloads(feeds: Feeds, *found: Feed) -> list[dict[str, Any]]:
    counts = await asyncio.to_thread(feeds.repository.counts, [feed.id for feed in found])
    return [feed_payload(feed, counts[feed.id]) for feed in found]
