"""Manners towards hosts: one request at a time, a pause between two, and none for a while when they ask for it."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from retrievers.errors import ServerAnswered
from retrievers.feeds.story_url import host_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

ASKS_TO_WAIT = frozenset({429, 503})
WAIT_S = 300.0
"""How long a host is left alone that asks for it without saying how long."""

_MOST = 1_000


@dataclass(slots=True)
class _Host:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: float = 0.0
    reason: ServerAnswered | None = None


class Hosts:
    """What this process knows of hosts. Of one event loop.

    Args:
        pause_s: Seconds between the end of a request and the next to the same host.
        clock: Seconds that only grow; tests pass their own.
    """

    def __init__(self, pause_s: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause_s = pause_s
        self._clock = clock
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, url: str) -> AsyncIterator[None]:
        """Wait for one's turn at the host of `url`, and hold it.

        Raises:
            ServerAnswered: The host asked us to wait, some time before or right now.
        """
        host = self._host(url)
        async with host.turn:
            await self._wait(host, url)
            try:
                yield
            except ServerAnswered as answer:
                if answer.status in ASKS_TO_WAIT:
                    host.reason = answer
                    host.free_at = self._clock() + (answer.retry_after_s or WAIT_S)
                raise
            finally:
                host.free_at = max(host.free_at, self._clock() + self._pause_s)

    async def _wait(self, host: _Host, url: str) -> None:
        left_s = host.free_at - self._clock()
        if left_s > self._pause_s and host.reason is not None:
            raise ServerAnswered(url, host.reason.status, retry_after_s=left_s)
        host.reason = None
        if left_s > 0:
            await asyncio.sleep(left_s)

    def _host(self, url: str) -> _Host:
        if len(self._hosts) >= _MOST:
            now = self._clock()
            self._hosts = {name: host for name, host in self._hosts.items() if host.turn.locked() or host.free_at > now}
        return self._hosts.setdefault(host_of(url), _Host())
