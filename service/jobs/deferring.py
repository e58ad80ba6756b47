"""Jobs that met a spent daily budget: put back, and let go when there is money again.

A deferred job takes no slot and is not looked at until then. Each is begun once before it waits, although one refusal
foretells the next: what is in the cache of steps costs nothing and is given out over budget. What a model had answered
stays noted, so nothing is paid for twice.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from chains.models.scope import CallScope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from service.limits.errors import BudgetExhausted
    from service.storage.deferred_jobs import DeferredGroup, DeferredJobs

    Refusal = Callable[[CallScope], Awaitable[BudgetExhausted | None]]

LOOK_EVERY_S: Final = 30.0
"""How soon jobs go on after their budget has started anew, or was raised. One look is one query of a small index."""

_log = structlog.get_logger("riddlewire.jobs")


class Deferring:
    """Lets deferred jobs of all processes go; any worker may, and several at once do no harm.

    Args:
        deferred: The jobs.
        refusal: What a call would be told now, as `Budgets.refusal`.
        on_resumed: Told when there is something to do again.
    """

    def __init__(self, deferred: DeferredJobs, refusal: Refusal, on_resumed: Callable[[], None]) -> None:
        self._deferred = deferred
        self._refusal = refusal
        self._on_resumed = on_resumed

    async def keep_looking(self) -> None:
        """Look now, for a budget may have been raised for this start, and again and again."""
        while True:
            try:
                await self.resume()
            except SQLAlchemyError as error:  # the next look may find the database again
                _log.warning("deferred jobs could not be looked after", error=type(error).__name__)
            await asyncio.sleep(LOOK_EVERY_S)

    async def resume(self) -> int:
        """Let those jobs go whose calls no budget would refuse now.

        Returns:
            How many.
        """
        resumed = 0
        for group in await asyncio.to_thread(self._deferred.groups):
            if await self._refusal(_scope(group)) is None:
                resumed += await asyncio.to_thread(self._deferred.resume, group)
        if resumed:
            _log.info("jobs go on that waited for a daily budget", count=resumed)
            self._on_resumed()
        return resumed


def _scope(group: DeferredGroup) -> CallScope:
    return CallScope(priority="batch", key_id=group.key_id, pipeline=group.pipeline)
