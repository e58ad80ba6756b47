"""Server-sent events: FastAPI's wire format, with keep-alive comments while nothing happens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""No cache and no proxy may hold events back."""


def encode(name: str, data: dict[str, Any] | bytes, event_id: str) -> bytes:
    """One event; `data` may be JSON already."""
    text = data if isinstance(data, bytes) else orjson.dumps(data)
    return format_sse_event(event=name, data_str=text.decode(), id=event_id)


class EventLog:
    """Events of one producer: kept, numbered, and followed by any number of readers that may come and go.

    The producer never waits for a reader, so a slow or lost client cannot hold up work that was accepted.
    """

    def __init__(self) -> None:
        self._events: list[bytes] = []
        self._more = asyncio.Event()
        self._closed = False

    def append(self, name: str, data: dict[str, Any] | bytes) -> None:
        """Add an event; its id is its number, counted from 1."""
        self._events.append(encode(name, data, str(len(self._events) + 1)))
        self._wake()

    def close(self) -> None:
        """Say that nothing more will come."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._more.set()
        self._more = asyncio.Event()

    async def follow(self, *, keepalive_s: float) -> AsyncIterator[bytes]:
        """All events from the first to the last, with a comment after `keepalive_s` seconds of silence."""
        sent = 0
        while True:
            fresh, sent = self._events[sent:], len(self._events)
            if fresh:
                yield b"".join(fresh)
            elif self._closed:
                return
            elif not await _woken(self._more, keepalive_s):
                yield KEEPALIVE_COMMENT


async def _woken(event: asyncio.Event, timeout_s: float) -> bool:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return False
    return True


def event_stream(events: AsyncIterator[bytes], headers: dict[str, str] | None = None) -> EventSourceResponse:
    """An answer that streams `events`."""
    return EventSourceResponse(events, headers={**HEADERS, **(headers or {})})


def wants_events(request: Request) -> bool:
    """Whether the caller asked for a stream rather than for JSON."""
    return "text/event-stream" in request.headers.get("accept", "")
