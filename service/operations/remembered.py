"""A check that probes may ask for as often as they like: it is made once in a while, and by one at a time."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable


T = TypeVar("T")


class Remembered(Generic[T]):
    """What a check found last, if that is new enough. For one event loop.

    Args:
        check: Blocks, and says what it finds.
        for_s: Seconds for which what it found is believed.
        clock: Seconds that never go back; tests pass their own.
    """

    def __init__(
        self, check: Callable[[], T], *, for_s: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._check = check
        self._for_s = for_s
        self._clock = clock
        self._asked_at = 0.0
        self._asking: asyncio.Task[T] | None = None

    async def found(self) -> T:
        """What the check found. Who gives up waiting for one that hangs leaves it to the next."""
        asking = self._asking
        if asking is None or (asking.done() and self._clock() >= self._asked_at + self._for_s):
            self._asked_at = self._clock()
            asking = self._asking = asyncio.create_task(asyncio.to_thread(self._check), name="remembered-check")
        return await asyncio.shield(asking)
