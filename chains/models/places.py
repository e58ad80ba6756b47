"""Places for a limited number of calls: who waits is let in by priority, then in order of arrival.

Event loops of several threads may share one: unlike `asyncio.Semaphore` it is guarded by a lock and wakes a waiter in
the waiter's own loop.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from chains.models.scope import Priority

_RANK = {"interactive": 0, "batch": 1}


@dataclass(slots=True, order=True)
class Waiter:
    """A call that waits for a place.

    Args:
        rank: 0 is let in before 1.
        arrival: Number of its arrival; earlier ones are let in first.
        tokens: What it will probably use.
    """

    rank: int
    arrival: int
    tokens: int = field(compare=False)
    _loop: asyncio.AbstractEventLoop = field(compare=False, repr=False)
    _admitted: asyncio.Future[None] = field(compare=False, repr=False)
    is_waiting: bool = field(default=True, compare=False)

    @property
    def is_urgent(self) -> bool:
        """Whether somebody waits for its answer."""
        return self.rank == _RANK["interactive"]

    async def admitted(self) -> None:
        """Wait for the place."""
        await self._admitted

    def wake(self) -> bool:
        """Tell it that it has a place; False when its event loop is gone."""
        try:
            if self._loop is _running_loop():
                self._settle()
            else:
                self._loop.call_soon_threadsafe(self._settle)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return False
        return True

    def _settle(self) -> None:
        if not self._admitted.done():
            self._admitted.set_result(None)


class Places:
    """So many places, which may become more or fewer while they are in use.

    Args:
        size: How many. When it shrinks below `used`, nobody is thrown out: nobody enters until enough have left.
        held: Nobody enters by themselves; `admit` lets them in.
        on_wait: Called whenever somebody has to wait.
    """

    def __init__(self, size: int, *, held: bool = False, on_wait: Callable[[], None] = lambda: None) -> None:
        self.used = 0
        self._size = size
        self._held = held
        self._on_wait = on_wait
        self._lock = threading.Lock()
        self._queue: list[Waiter] = []
        self._arrivals = itertools.count()
        self._waiting = 0

    @property
    def size(self) -> int:
        """How many there are."""
        return self._size

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return self._waiting

    def try_enter(self) -> bool:
        """Take a place if one is free and nobody waits; `leave` gives it back."""
        with self._lock:
            if self._held or self._waiting or self.used >= self._size:
                return False
            self.used += 1
            return True

    async def enter(self, priority: Priority, tokens: int = 0) -> None:
        """Wait for a place and take it; `leave` gives it back."""
        if self.try_enter():
            return
        loop = asyncio.get_running_loop()
        waiter = Waiter(_RANK[priority], next(self._arrivals), tokens, loop, loop.create_future())
        with self._lock:
            heapq.heappush(self._queue, waiter)
            self._waiting += 1
            self._let_in()
        if waiter.is_waiting:
            self._on_wait()
        try:
            await waiter.admitted()
        except BaseException:
            self._gave_up(waiter)
            raise

    def leave(self) -> None:
        """Give a place back."""
        with self._lock:
            self.used -= 1
            self._let_in()

    def resize(self, size: int) -> None:
        """Have so many places from now on."""
        with self._lock:
            self._size = size
            self._let_in()

    def freeze(self) -> int:
        """Let nobody in beyond those who are in, until `resize`; how many these are."""
        with self._lock:
            self._size = min(self._size, self.used)
            return self.used

    def hold(self, held: bool) -> None:
        """Let nobody enter by themselves, or let them again."""
        with self._lock:
            self._held = held
            self._let_in()

    def first(self, most: int) -> list[Waiter]:
        """Who would be let in next, in order: at most `most`, and at most as many as there is room for."""
        with self._lock:
            room = min(most, self._size - self.used)
            return heapq.nsmallest(room, (waiter for waiter in self._queue if waiter.is_waiting)) if room > 0 else []

    def admit(self, waiters: Iterable[Waiter]) -> None:
        """Let in those of them that still wait, whether or not the places are held."""
        with self._lock:
            for waiter in waiters:
                self._let_one_in(waiter)
            self._forget_gone()

    def _let_in(self) -> None:
        self._forget_gone()
        while not self._held and self._queue and self.used < self._size:
            self._let_one_in(heapq.heappop(self._queue))
            self._forget_gone()

    def _let_one_in(self, waiter: Waiter) -> None:
        if waiter.is_waiting:
            waiter.is_waiting = False
            self._waiting -= 1
            self.used += waiter.wake()

    def _forget_gone(self) -> None:
        while self._queue and not self._queue[0].is_waiting:
            heapq.heappop(self._queue)

    def _gave_up(self, waiter: Waiter) -> None:
        """A cancelled waiter leaves the queue, or gives back the place that it was just given."""
        with self._lock:
            if waiter.is_waiting:
                waiter.is_waiting = False
                self._waiting -= 1
            else:
                self.used -= 1
            self._let_in()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
