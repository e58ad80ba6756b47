"""Making one riddle: accepted once, in a task of its own, stored before anybody is told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from chains.models.scope import CallScope, in_scope
from domain.events import Completed
from service.problems import problem_of
from service.riddles.answer import MadeAnswer
from service.riddles.payload import event_payload

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from sqlalchemy.engine import Connection

    from chains.models.scope import CacheUse
    from chains.pipeline import RiddlePipeline
    from domain.article import Article
    from domain.riddle import Riddle
    from service.auth import Caller
    from service.resources import Resources
    from service.riddles.claims import Claim
    from service.sse import EventLog
    from service.storage.riddles import StoredRiddle

_log = structlog.get_logger("riddlewire.riddles")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An accepted request for a riddle.

    Args:
        article: What it is to be made of.
        pipeline: Which one makes it.
        caller: Who asked; the examples shown are those this caller may see.
        claim: The Idempotency-Key to answer under; None when the caller sent none.
        request_id: Names the request in a problem that is streamed.
        cache: What is done with answers that models gave before.
    """

    article: Article
    pipeline: RiddlePipeline
    caller: Caller
    claim: Claim | None
    request_id: str
    cache: CacheUse = "use"

    @property
    def scope(self) -> CallScope:
        """On whose account its model calls are made."""
        return CallScope(key_id=self.caller.key_id, cache=self.cache, asker=self.request_id)


async def make(resources: Resources, order: Order) -> MadeAnswer:
    """Make and store a riddle, for callers who wait for the whole of it."""
    with in_scope(order.scope):
        return await _kept(resources, order, order.pipeline.ainvoke(order.article, tenant=order.caller.tenant))


async def make_streaming(resources: Resources, order: Order, log: EventLog) -> None:
    """Make and store a riddle and write to `log` what happens; raises nothing, for nobody waits for it."""
    try:
        with in_scope(order.scope):
            answer = await _kept(resources, order, _told(order, log))
        log.append("result", answer.body)
    except asyncio.CancelledError:
        log.append("error", problem_of(RuntimeError()).as_dict(order.request_id))
        raise
    except Exception as exc:  # noqa: BLE001 -- the stream's outermost boundary: the client is told as a problem
        problem = problem_of(exc)
        _log.warning("riddle failed", error=type(exc).__name__, status=problem.status, reason=problem.body["detail"])
        log.append("error", problem.as_dict(order.request_id))
    finally:
        log.close()


async def abandon(order: Order) -> None:
    """Let the next request with the same Idempotency-Key try again."""
    if order.claim:
        await asyncio.to_thread(order.claim.abandon)


async def _told(order: Order, log: EventLog) -> Riddle:
    riddle: Riddle | None = None
    async for event in order.pipeline.events(order.article, tenant=order.caller.tenant):
        if isinstance(event, Completed):
            riddle = event.riddle
        else:
            log.append(*event_payload(event))
    assert riddle is not None, "a pipeline that raises nothing ends with Completed"
    return riddle


async def _kept(resources: Resources, order: Order, run: Awaitable[Riddle]) -> MadeAnswer:
    try:
        riddle = await run
        return await _store(resources, order, riddle)
    except BaseException:
        await abandon(order)
        raise


async def _store(resources: Resources, order: Order, riddle: Riddle) -> MadeAnswer:
    """Keep the riddle and, with a claim, its answer, in one transaction."""
    made: MadeAnswer | None = None

    def answer(connection: Connection, stored: StoredRiddle) -> None:
        nonlocal made
        made = MadeAnswer.of(stored)
        if order.claim:
            order.claim.finish(connection, made)

    await resources.riddles.asave(riddle, key_id=order.caller.key_id, tenant=order.caller.tenant, also=answer)
    assert made is not None, "a riddle that is kept has its answer"
    return made
