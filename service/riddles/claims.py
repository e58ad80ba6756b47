"""Idempotency-Keys: the same request again gets the first one's answer."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Header

from service.answers import json_response
from service.errors import IdempotencyMismatch, RequestInProgress
from service.sse import EventLog, event_stream
from service.storage.idempotency import InProgress, Mismatch, Replay, Started

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection
    from starlette.responses import Response

    from service.riddles.answer import MadeAnswer
    from service.storage.idempotency import IdempotencyStore

IdempotencyKey = Annotated[
    str | None, Header(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$", description="Any text of your own.")
]
"""The header, as an endpoint's parameter."""

_REPLAYED = {"Idempotency-Replayed": "true"}


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A caller's Idempotency-Key and what it came with."""

    key: str
    body_hash: str

    @classmethod
    def of(cls, key: str, body: bytes, *, query: str = "") -> KeyUse:
        """The use of `key` for a request with `body` and, in its URL, a query that changes what is asked for."""
        asked = body + b"\x00" + query.encode() if query else body  # no body that is taken holds NUL
        return cls(key, hashlib.sha256(asked).hexdigest())


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that this request answers: `finish` it with the riddle, or `abandon` it. Both want a worker thread."""

    store: IdempotencyStore
    started: Started

    def finish(self, connection: Connection, answer: MadeAnswer) -> None:
        """Keep the answer in the transaction that keeps the riddle.

        Raises:
            RequestInProgress: A later request took the key over because this one was taken for dead.
        """
        self.keep(connection, status=201, location=answer.location, body=answer.body)

    def keep(
        self, connection: Connection, *, status: int, location: str, body: bytes, batch_id: str | None = None
    ) -> None:
        """Keep any answer in the transaction that keeps what it tells of; one of a batch at least as long as that runs.

        Raises:
            RequestInProgress: As `finish`.
        """
        headers = {"Location": location}
        kept = self.store.finish(
            self.started, status=status, headers=headers, body=body, batch_id=batch_id, connection=connection
        )
        if not kept:
            raise RequestInProgress

    def abandon(self) -> None:
        """Let the next request with this key start anew."""
        self.store.abandon(self.started)


@dataclass(frozen=True, slots=True)
class Replayed:
    """The answer that the first request got."""

    replay: Replay

    def response(self) -> Response:
        """As it was."""
        return json_response(self.replay.body, self.replay.status, {**self.replay.headers, **_REPLAYED})

    def stream(self) -> Response:
        """As a stream whose only event is the result."""
        log = EventLog()
        log.append("result", self.replay.body)
        log.close()
        return event_stream(log.follow(keepalive_s=1.0), _REPLAYED)


async def claim_key(store: IdempotencyStore, owner: str, use: KeyUse) -> Claim | Replayed:
    """Claim the key for this request, or find the answer it has.

    Raises:
        RequestInProgress: The first request with this key is still running.
        IdempotencyMismatch: The key was used for another request.
    """
    begun = await asyncio.to_thread(store.begin, owner, use.key, use.body_hash)
    match begun:
        case Started():
            return Claim(store, begun)
        case Replay():
            return Replayed(begun)
        case InProgress(retry_after_s):
            raise RequestInProgress(retry_after_s)
        case Mismatch():
            raise IdempotencyMismatch
