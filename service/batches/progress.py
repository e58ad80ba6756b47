"""A batch's progress as server-sent events, read from the database: any process can tell it, also after a restart."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from fastapi.sse import KEEPALIVE_COMMENT

from service.answers import encode as to_json
from service.batches.payload import batch_payload
from service.batches.watching import LOOK_EVERY_S
from service.sse import encode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.resources import Resources
    from service.storage.batch_rows import StoredBatch


async def progress(resources: Resources, batch_id: str, *, last_event_id: str | None) -> AsyncIterator[bytes]:
    """`progress` whenever something has changed, `done` when nothing will change any more; the data is the batch.

    An event's id says how far the batch was, so a client that comes back is told only what it does not know yet.
    """
    told = last_event_id
    came = silent_since = time.monotonic()
    watched = resources.watching.at(batch_id)
    while True:
        batch = await watched.look(since=came)
        state = _state(batch)
        if state != told or batch.is_over:
            yield encode("done" if batch.is_over else "progress", to_json(batch_payload(batch)), state)
            told, silent_since = state, time.monotonic()
        if batch.is_over or resources.in_flight.closing:
            return
        if time.monotonic() - silent_since >= resources.settings.limits.keepalive_s:
            silent_since = time.monotonic()
            yield KEEPALIVE_COMMENT
        await asyncio.sleep(LOOK_EVERY_S)


def _state(batch: StoredBatch) -> str:
    deferred = batch.counts.deferred.count if batch.counts.deferred is not None else 0
    return f"{batch.counts.ended}-{batch.counts['running']}-{deferred}-{batch.status}"
