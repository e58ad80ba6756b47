"""What /v1/batches does, without HTTP's shapes."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from langchain_core.utils.uuid import uuid7

from domain.errors import InvalidInput
from service.answers import encode
from service.batches.payload import batch_payload, item_payload
from service.errors import ShuttingDown
from service.riddles.claims import Replayed, claim_key
from service.storage.batches import NewBatch
from service.storage.intake import IntakeRules
from service.storage.page import InvalidCursor, decode_cursor, encode_cursor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from domain.article import Article
    from service.auth import Caller
    from service.resources import Resources
    from service.riddles.claims import Claim, KeyUse
    from service.setting_groups.background import JobSettings
    from service.storage.batch_rows import StoredBatch
    from service.webhooks.targets import WebhookTarget

BATCH_PRIORITY = 10
_PAGE = 200


class TooManyArticles(InvalidInput):
    """More articles than one batch may have."""

    noun = "batch"

    def __init__(self, count: int, limit: int) -> None:
        super().__init__("articles", f"are {count:,}, and one batch may have {limit:,}: send several batches")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOrder:
    """A batch that somebody wants.

    Args:
        articles: At least one, in the order the results are wanted in.
        pipeline: By name; None is the service's default.
        key_id: Of the API key it is charged to.
        tenant: Whose examples may be shown.
        priority: Of its jobs; lower numbers go first.
        webhook: Where to tell that it is done.
        also: Does more in the transaction that keeps it: both or none.
    """

    articles: Sequence[Article]
    pipeline: str | None = None
    key_id: str | None = None
    tenant: str | None = None
    priority: int = BATCH_PRIORITY
    webhook: WebhookTarget | None = None
    also: Callable[[Connection, StoredBatch], None] | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A batch that was taken in, as it is told to the caller."""

    location: str
    body: bytes

    @classmethod
    def of(cls, batch: StoredBatch, told: Mapping[str, Any] = MappingProxyType({})) -> Accepted:
        """The answer that tells of a batch, and of what else there is to tell."""
        return cls(f"/v1/batches/{batch.id}", encode({**batch_payload(batch), **told}))


async def accept(
    resources: Resources,
    order: BatchOrder,
    *,
    caller: Caller,
    key: KeyUse | None = None,
    told: Mapping[str, Any] = MappingProxyType({}),
) -> Accepted | Replayed:
    """Take a batch in for a caller, or find the answer that was given to the same request before.

    Args:
        resources: The service's.
        order: What is wanted.
        caller: By whom.
        key: The Idempotency-Key it came with.
        told: More fields of the answer, such as a secret that is shown once.

    Raises:
        NotFound: There is no such pipeline.
        TooManyArticles: More than one batch may have.
        BatchTooLarge: More of them are new than may wait at all.
        QueueFull: Too many articles wait already.
        RequestInProgress: The first request with this key is still running.
        IdempotencyMismatch: The key was used for another request.
    """
    claim = await claim_key(resources.idempotency, caller.owner, key) if key else None
    if isinstance(claim, Replayed):
        return claim
    try:
        return await _accept(resources, order, claim, told)
    except BaseException:
        if claim:
            await asyncio.to_thread(claim.abandon)
        raise


async def make_batch(resources: Resources, order: BatchOrder) -> StoredBatch:
    """Keep a batch and begin to work on it.

    Raises:
        NotFound: There is no such pipeline.
        TooManyArticles: More than one batch may have.
        BatchTooLarge: More of them are new than may wait at all.
        QueueFull: Too many articles wait already.
        ShuttingDown: This process takes nothing new.
    """
    if resources.in_flight.closing:
        raise ShuttingDown
    settings = resources.settings
    if len(order.articles) > settings.limits.batch_articles:
        raise TooManyArticles(len(order.articles), settings.limits.batch_articles)
    new = _new_batch(resources, order)
    batch = await asyncio.to_thread(_keep, resources, new, order)
    if resources.worker is not None and not batch.is_over:
        await resources.worker.news()
    return batch


async def get_batch(resources: Resources, batch_id: str, caller: Caller) -> StoredBatch:
    """A batch of the caller's.

    Raises:
        NotFound: There is none of that id that the caller may see.
    """
    return await asyncio.to_thread(resources.batches.get, batch_id, scope=caller.scope)


async def results_page(
    resources: Resources, batch_id: str, caller: Caller, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """A page of a batch's items in input order.

    Raises:
        NotFound: There is no such batch.
        InvalidCursor: The cursor is not one of ours.
    """
    await get_batch(resources, batch_id, caller)
    after = _position(cursor)
    items = await asyncio.to_thread(resources.batches.items, batch_id, after=after, limit=limit + 1)
    more = len(items) > limit
    return {
        "items": [item_payload(item) for item in items[:limit]],
        "next_cursor": encode_cursor(str(items[limit - 1].index)) if more else None,
    }


async def result_lines(resources: Resources, batch_id: str) -> AsyncIterator[bytes]:
    """All items as JSON lines, read page by page."""
    after = -1
    while True:
        items = await asyncio.to_thread(resources.batches.items, batch_id, after=after, limit=_PAGE)
        if not items:
            return
        yield b"".join(encode(item_payload(item)) + b"\n" for item in items)
        after = items[-1].index


async def cancel(resources: Resources, batch_id: str, caller: Caller) -> StoredBatch:
    """Stop what has not started.

    Raises:
        NotFound: There is no such batch.
        BatchIsFinished: Everything in it has ended.
    """
    return await asyncio.to_thread(resources.batches.cancel, batch_id, scope=caller.scope)


async def retry(resources: Resources, batch_id: str, caller: Caller) -> StoredBatch:
    """Run the failed items again.

    Raises:
        NotFound: There is no such batch.
        QueueFull: Too many articles wait already.
    """
    rules = intake_rules(resources.settings.jobs)
    batch = await asyncio.to_thread(resources.batches.retry, batch_id, scope=caller.scope, rules=rules)
    if resources.worker is not None and not batch.is_over:
        await resources.worker.news()
    return batch


def intake_rules(settings: JobSettings) -> IntakeRules:
    """What a batch that comes in at this moment, or is run again, may share, and how much may wait."""
    since = datetime.now(UTC) - timedelta(hours=settings.dedup_hours) if settings.dedup_hours else None
    return IntakeRules(dedup_since=since, most_waiting=settings.waiting)


async def _accept(resources: Resources, order: BatchOrder, claim: Claim | None, told: Mapping[str, Any]) -> Accepted:
    answer: Accepted | None = None

    def also(connection: Connection, batch: StoredBatch) -> None:
        nonlocal answer
        answer = Accepted.of(batch, told)
        if claim:
            claim.keep(connection, status=202, location=answer.location, body=answer.body, batch_id=batch.id)

    await make_batch(resources, replace(order, also=also))
    assert answer is not None, "a batch that is kept has its answer"
    return answer


def _new_batch(resources: Resources, order: BatchOrder) -> NewBatch:
    pipeline = resources.pipeline(order.pipeline)
    return NewBatch(
        id=f"bat_{uuid7().hex}",
        articles=order.articles,
        pipeline=pipeline.name,
        key_id=order.key_id,
        tenant=order.tenant,
        priority=order.priority,
        webhook=asdict(order.webhook) if order.webhook else None,
    )


def _keep(resources: Resources, new: NewBatch, order: BatchOrder) -> StoredBatch:
    return resources.batches.create(new, rules=intake_rules(resources.settings.jobs), also=order.also)


def _position(cursor: str | None) -> int:
    if cursor is None:
        return -1
    position = decode_cursor(cursor)
    if not position.isdecimal() or len(position) > len("999999999"):
        raise InvalidCursor
    return int(position)
