"""One reading of a batch for all who watch it in this process.

Twenty clients that each ask the database twice a second would slow down the work that they watch.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.storage.batch_rows import StoredBatch

LOOK_EVERY_S: Final = 0.5
"""How old what a watcher is told may be, where reading is cheap."""
MOST_EVERY_S: Final = 10.0
"""How old it may be however much reading costs."""
LEISURE: Final = 20
"""A batch is left alone for so many times as long as it took to read: a twentieth of a connection at the most."""


@dataclass(frozen=True, slots=True)
class _Reading:
    batch: StoredBatch
    began: float
    fresh_until: float


class Watched:
    """A batch that somebody watches.

    Args:
        read: Reads it; blocks.
        clock: Seconds that only go up; tests pass their own.
    """

    def __init__(self, read: Callable[[], StoredBatch], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._last: _Reading | None = None

    async def look(self, *, since: float = 0.0) -> StoredBatch:
        """The batch as it was not long ago; who asks while it is read gets that reading.

        Args:
            since: A reading that was begun before this moment will not do: whoever comes after a retry must not be told
                that the batch is over.

        Raises:
            NotFound: It is gone.
        """
        async with self._one_at_a_time:
            last = self._last
            if last is None or last.began < since or self._clock() >= last.fresh_until:
                self._last = last = await self._read_now()
            return last.batch

    async def _read_now(self) -> _Reading:
        began = self._clock()
        batch = await asyncio.to_thread(self._read)
        now = self._clock()
        return _Reading(batch, began, now + min(max(LOOK_EVERY_S, (now - began) * LEISURE), MOST_EVERY_S))


class Watching:
    """The batches that are watched in this process, each for as long as somebody holds what `at` gave out.

    Args:
        read: Reads a batch by its id; blocks.
    """

    def __init__(self, read: Callable[[str], StoredBatch]) -> None:
        self._read = read
        self._watched: WeakValueDictionary[str, Watched] = WeakValueDictionary()

    def at(self, batch_id: str) -> Watched:
        """The batch, shared with all others who watch it."""
        watched = self._watched.get(batch_id)
        if watched is None:
            watched = self._watched[batch_id] = Watched(partial(self._read, batch_id))
        return watched
