"""What a serving process does beside answering: keep its holds on Idempotency-Keys, and drop what has expired."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service.storage.idempotency import IdempotencyStore

RENEW_EVERY_S = 20.0
PURGE_EVERY = 180
"""Renewals between two purges: once an hour."""

_log = structlog.get_logger("riddlewire.housekeeping")


class Housekeeping:
    """A background task; `start` and `stop` it with the process.

    Args:
        idempotency: Whose holds are renewed.
        purges: Called once an hour, each in a worker thread: drop what has expired.
    """

    def __init__(self, idempotency: IdempotencyStore, purges: Sequence[Callable[[], int]] = ()) -> None:
        self._idempotency = idempotency
        self._purges = (idempotency.purge, *purges)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Free what a dead process held, then keep house in the background."""
        freed = await asyncio.to_thread(self._idempotency.recover)
        if freed:
            _log.info("freed Idempotency-Keys of a process that died", count=freed)
        self._task = asyncio.create_task(self._run(), name="housekeeping")

    async def stop(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        rounds = 0
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            rounds += 1
            try:
                await asyncio.to_thread(self._idempotency.renew)
                if rounds % PURGE_EVERY == 0:
                    for purge in self._purges:
                        await asyncio.to_thread(purge)
            except SQLAlchemyError as error:  # the next round may find the database again
                _log.warning("housekeeping failed", error=type(error).__name__)
