"""What POST and GET /v1/riddles do, without HTTP's shapes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.errors import ServiceError
from service.guesses.readers import reader_hash
from service.riddles.claims import Replayed, claim_key
from service.riddles.making import Order, abandon, make, make_streaming
from service.riddles.payload import reader_payload, riddle_payload
from service.sse import EventLog
from service.storage.riddles import RiddleFilter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import date

    from chains.models.scope import CacheUse
    from domain.riddle import Status
    from service.auth import Caller
    from service.inflight import Slots
    from service.resources import Resources
    from service.riddles.answer import MadeAnswer
    from service.riddles.claims import KeyUse
    from service.riddles.schemas import RiddleRequest
    from service.storage.riddles import StoredRiddle


class Accepted:
    """A request that was taken in and will be finished, whether or not the caller stays."""

    def __init__(self, resources: Resources, order: Order, slots: Slots) -> None:
        self._resources = resources
        self._order = order
        self._slots = slots

    async def answer(self) -> MadeAnswer:
        """Start, and wait for the riddle; a caller that is cancelled does not cancel the work."""
        task = self._resources.in_flight.start(make(self._resources, self._order), self._slots)
        return await asyncio.shield(task)

    def events(self) -> AsyncIterator[bytes]:
        """Start, and give out what happens as server-sent events."""
        log = EventLog()
        self._resources.in_flight.start(make_streaming(self._resources, self._order, log), self._slots)
        return log.follow(keepalive_s=self._resources.settings.limits.keepalive_s)


async def accept(
    resources: Resources,
    asked: RiddleRequest,
    *,
    caller: Caller,
    key: KeyUse | None,
    request_id: str,
    cache: CacheUse = "use",
) -> Accepted | Replayed:
    """Take a request in, or find the answer that was given to it before.

    Args:
        resources: Of the service.
        asked: The request.
        caller: Who asks.
        key: Their Idempotency-Key, if they sent one.
        request_id: Names the request.
        cache: What is done with answers that models gave before.

    Raises:
        InvalidArticle: The article cannot be used.
        NotFound: There is no such pipeline.
        Overloaded: There is no room.
        RequestInProgress: The first request with this key is still running.
        IdempotencyMismatch: The key was used for another body.
    """
    article = asked.article.to_article()
    pipeline = resources.pipeline(asked.pipeline)
    claim = await claim_key(resources.idempotency, caller.owner, key) if key else None
    if isinstance(claim, Replayed):
        return claim
    order = Order(article=article, pipeline=pipeline, claim=claim, caller=caller, request_id=request_id, cache=cache)
    try:
        slots = resources.in_flight.reserve()
    except ServiceError:
        await abandon(order)
        raise
    return Accepted(resources, order, slots)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which riddles a caller wants to see listed."""

    day: date | None
    source: str | None
    pipeline: str | None
    status: Status | None
    q: str | None
    limit: int
    cursor: str | None

    def filters(self, caller: Caller) -> RiddleFilter:
        """The storage's filter: what `caller` may not see cannot be searched either."""
        return RiddleFilter(
            day=self.day.isoformat() if self.day else None,
            source=self.source,
            pipeline=self.pipeline,
            status=self.status,
            q=self.q,
            spoilers=caller.may("writer"),
            scope=caller.scope,
        )


async def list_riddles(resources: Resources, wanted: Wanted, caller: Caller) -> dict[str, Any]:
    """A page of riddles as `caller` may see them.

    Raises:
        InvalidCursor: The cursor is not one of ours.
    """
    page = await asyncio.to_thread(
        resources.riddles.list, wanted.filters(caller), limit=wanted.limit, cursor=wanted.cursor
    )
    return {"items": [_seen(stored, caller) for stored in page.items], "next_cursor": page.next_cursor}


async def get_riddle(resources: Resources, riddle_id: str, caller: Caller, reader: str | None) -> dict[str, Any]:
    """One riddle as `caller` may see it; after a solve or a reveal all of it.

    Args:
        resources: What the service holds.
        riddle_id: Of the riddle.
        caller: Who asks.
        reader: Which reader of the caller's; None is the caller.

    Raises:
        NotFound: There is none of that id.
    """
    return await asyncio.to_thread(_get_riddle, resources, riddle_id, caller, reader)


def _get_riddle(resources: Resources, riddle_id: str, caller: Caller, reader: str | None) -> dict[str, Any]:
    stored = resources.riddles.get(riddle_id, scope=caller.scope)
    if not caller.may("writer") and resources.guesses.knows(stored.id, reader_hash(caller, reader)):
        return riddle_payload(stored)
    return _seen(stored, caller)


def _seen(stored: StoredRiddle, caller: Caller) -> dict[str, Any]:
    payload = riddle_payload(stored)
    return payload if caller.may("writer") else reader_payload(payload)
