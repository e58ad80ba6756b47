"""When a failed call is tried again, and after how long."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from chains.models.admission import ProviderLimitReached, another_try, current_ticket
from domain.errors import ProviderError, ProviderRateLimited, ProviderTimedOut, ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

P = ParamSpec("P")
T = TypeVar("T")

FIRST_WAIT_S = 0.5
"""Upper limit of the wait before the second try; doubled for each further one."""

_PASSING = (ProviderRateLimited, ProviderTimedOut, ProviderUnavailable)


class QuotaExhausted(ProviderRateLimited):
    """The account's budget is used up: a 429 that no waiting mends."""

    verb = "has no quota left for us"


class RetryPolicy:
    """Tries again after rate limits, timeouts and unavailability; never after a bad answer.

    Waits as long as the provider asked (`Retry-After`), else a random part of 0.5 s doubled each time
    ("full jitter": Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015).

    Args:
        max_retries: Tries after the first.
        max_wait_s: Longest single wait. When the provider asks for more, the error is raised at once, so that a
            fallback answers instead of nobody.
    """

    def __init__(self, *, max_retries: int, max_wait_s: float) -> None:
        self._max_wait_s = max_wait_s
        self._retrying = AsyncRetrying(
            stop=stop_after_attempt(max_retries + 1),
            retry=retry_if_exception(self._is_worth_another_try),
            wait=self._wait,
            reraise=True,
        )

    async def call(self, attempt: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Await `attempt(...)` until it answers or trying again is over.

        The call's ticket is told of every failure, and asked before every further attempt.

        Raises:
            ProviderError: The last attempt's.
        """
        try:
            return await _told(attempt(*args, **kwargs))
        except ProviderError as error:
            first: list[ProviderError] = [error]

        async def replayed() -> T:
            """The first attempt as it went, then new ones: bookkeeping of tries begins only when one has failed."""
            if first:
                raise first.pop()
            await another_try()
            return await _told(attempt(*args, **kwargs))

        return await self._retrying(replayed)

    def _is_worth_another_try(self, error: BaseException) -> bool:
        if not isinstance(error, _PASSING) or isinstance(error, QuotaExhausted | ProviderLimitReached):
            return False
        return error.retry_after_s is None or error.retry_after_s <= self._longest_wait_s

    @property
    def _longest_wait_s(self) -> float:
        """Of the call that is being made: nobody is kept waiting for a try that would come too late."""
        ticket = current_ticket()
        left_s = None if ticket is None else ticket.left_s
        return self._max_wait_s if left_s is None else min(self._max_wait_s, left_s)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, ProviderError) and error.retry_after_s is not None:
            return error.retry_after_s
        ceiling: float = FIRST_WAIT_S * 2 ** (state.attempt_number - 1)
        return random.uniform(0.0, min(self._max_wait_s, ceiling))  # noqa: S311 -- spreads load, guards nothing


async def _told(attempt: Coroutine[Any, Any, T]) -> T:
    """An attempt whose failure the call's ticket hears of at once, not only when trying again is over."""
    try:
        return await attempt
    except ProviderError as error:
        if (ticket := current_ticket()) is not None:
            ticket.failed(error)
        raise


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Seconds the provider asks us to wait: `retry-after-ms`, or `Retry-After` as seconds or HTTP date (RFC 9110).

    None when it does not say, or says nothing that can be understood.
    """
    if milliseconds := _number(headers.get("retry-after-ms")):
        return milliseconds / 1000
    value = headers.get("retry-after")
    if value is None:
        return None
    seconds = _number(value)
    return seconds if seconds is not None else _seconds_until(value, now or datetime.now(UTC))


def _number(value: str | None) -> float | None:
    try:
        number = float(value) if value is not None else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < float("inf") else None


def _seconds_until(value: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
