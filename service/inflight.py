"""How much this process does at once: slots for accepted work, and waiting for it when the process stops."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from service.errors import Overloaded, ShuttingDown

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")
_LAST_WORDS_S = 5.0
"""Cancelled work gets this long to say so: to free its Idempotency-Key and to end its stream."""

_log = structlog.get_logger("riddlewire.inflight")


class Slots:
    """Room for some pieces of work; give it back exactly once, however the work ends."""

    def __init__(self, owner: InFlight, count: int) -> None:
        self._owner = owner
        self._count = count

    def release(self) -> None:
        """Give the room back; calling it again does nothing."""
        self._owner.used -= self._count
        self._count = 0


class InFlight:
    """Accepted work of this process.

    Args:
        limit: Pieces of work at once; more are refused, for a queue in memory would be lost with the process.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.closing = False
        self._closed_at = 0.0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._when_closed: list[Callable[[], None]] = []

    def reserve(self, count: int = 1) -> Slots:
        """Room for `count` pieces of work.

        Raises:
            Overloaded: There is none.
            ShuttingDown: Nothing new is taken.
        """
        if self.closing:
            raise ShuttingDown
        if self.used + count > self.limit:
            raise Overloaded(self.limit)
        self.used += count
        return Slots(self, count)

    def start(self, work: Coroutine[Any, Any, T], slots: Slots) -> asyncio.Task[T]:
        """Run `work` in a task of its own: it goes on when whoever asked for it has gone."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(done, slots))
        return task

    def _ended(self, task: asyncio.Task[Any], slots: Slots) -> None:
        slots.release()
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved, so that asyncio does not complain where the client has gone

    def when_closed(self, begin_no_more: Callable[[], None]) -> None:
        """Call this at `close`: what begins work by itself has to stop then, not only when all requests have ended."""
        self._when_closed.append(begin_no_more)

    def close(self) -> None:
        """Take nothing new from now on; the time that `drain` allows counts from here."""
        if not self.closing:
            self.closing = True
            self._closed_at = time.monotonic()
            for begin_no_more in self._when_closed:
                begin_no_more()

    def left_s(self, timeout_s: float) -> float:
        """Seconds left of the time that a stop may take, counted from `close`, which this is if need be."""
        self.close()
        return max(0.0, self._closed_at + timeout_s - time.monotonic())

    async def drain(self, timeout_s: float) -> None:
        """Let what was accepted finish, until `timeout_s` seconds after `close`, and cancel what is left then."""
        self.close()
        if not self._tasks:
            return
        left_s = self.left_s(timeout_s)
        _log.info("finishing accepted work", tasks=len(self._tasks), seconds=round(left_s, 1))
        _, late = await asyncio.wait(self._tasks, timeout=left_s)
        for task in late:
            task.cancel()
        if late:
            _log.warning("gave up accepted work at shutdown", tasks=len(late))
            await asyncio.wait(late, timeout=_LAST_WORDS_S)
