"""Outlasting a database that is away for a while: restarted, failing over, read-only, or on a disk that is full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_random_exponential

from service.storage.away import database_is_away

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tenacity import RetryCallState

T = TypeVar("T")

_log = structlog.get_logger("riddlewire.jobs")


class Outlast(Protocol):
    """What `outlasting` is, with its patience chosen."""

    async def __call__(self, call: Callable[[], Awaitable[T]], /) -> T:
        """What `call` gives, once the database is there."""
        ...


async def outlasting(
    call: Callable[[], Awaitable[T]], *, patience_s: float, on_wait: Callable[[], None] = lambda: None
) -> T:
    """What `call` gives, tried again for so many seconds while the database is away.

    Args:
        call: Asks the database.
        patience_s: Seconds until it is given up.
        on_wait: Told before each further try.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: It is still away.
    """
    try:
        return await call()
    except SQLAlchemyError as error:
        if not database_is_away(error):
            raise
        first = [error]

    async def replayed() -> T:
        """The first try as it went, then new ones: bookkeeping of tries begins only when one has failed."""
        if first:
            raise first.pop()
        return await call()

    tries = AsyncRetrying(
        retry=retry_if_exception(database_is_away),
        wait=wait_random_exponential(multiplier=0.2, max=10),
        stop=stop_after_delay(patience_s),
        before_sleep=lambda state: _tell(state, on_wait),
        reraise=True,
    )
    return await tries(replayed)


def _tell(state: RetryCallState, on_wait: Callable[[], None]) -> None:
    on_wait()
    error = state.outcome.exception() if state.outcome else None
    _log.warning("the database is away; a job waits for it", tries=state.attempt_number, error=type(error).__name__)
