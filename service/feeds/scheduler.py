"""Pulls feeds when they are due, in the background of every serving process; no two of them pull the same tick."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from service.feeds.feeds import Feeds

LOOK_EVERY_S = 5.0

_log = structlog.get_logger("riddlewire.feeds")


class FeedScheduler:
    """A background task; `start` and `stop` it with the process.

    Args:
        feeds: All of them.
        at_once: Pulls at the same time.
        every_s: Seconds between two looks at what is due.
    """

    def __init__(self, feeds: Feeds, *, at_once: int, every_s: float = LOOK_EVERY_S) -> None:
        self._feeds = feeds
        self._at_once = at_once
        self._every_s = every_s
        self._pulls: set[asyncio.Task[object]] = set()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._look_forever(), name="feed-scheduler")

    def begin_no_more(self) -> None:
        """Begin no pull from now on; those that go on are not touched."""
        self._closing = True

    async def stop(self) -> None:
        """Stop; pulls that go on are given back, and are due again."""
        tasks = [task for task in (self._task, *self._pulls) if task is not None]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def tick(self) -> int:
        """Begin the pulls that are due, as far as there is room, and return how many."""
        room = 0 if self._closing else self._at_once - len(self._pulls)
        claims = await self._feeds.claim_due(room) if room > 0 else ()
        for claim in claims:
            task: asyncio.Task[object] = asyncio.create_task(self._feeds.run(claim), name=f"pull-{claim.feed.id}")
            self._pulls.add(task)
            task.add_done_callback(self._pulls.discard)
        return len(claims)

    async def idle(self) -> None:
        """Wait until no pull of this process is going on."""
        while self._pulls:
            await asyncio.wait(set(self._pulls))

    async def _look_forever(self) -> None:
        while True:
            try:
                await self.tick()
            except SQLAlchemyError as error:  # the next look may find the database again
                _log.warning("cannot look for feeds that are due", error=type(error).__name__)
            await asyncio.sleep(self._every_s)
