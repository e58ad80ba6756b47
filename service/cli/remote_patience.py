"""Waiting for a server that cannot now: for as long as it asks, with a word to the person who waits."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from service.cli.remote import ServerBusy, ServerUnreachable
from service.cli.terminal import note

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tenacity import RetryCallState

T = TypeVar("T")

_BACKOFF: Final = wait_random_exponential(multiplier=0.5, max=10)


@dataclass(slots=True, kw_only=True)
class ServerPatience:
    """Makes calls again that a server did not answer, or answered with `not now`.

    A server that says how long it wants to be left alone (`Retry-After`) is left alone for so long, and believed for
    longer than one that says nothing.

    Args:
        silent_s: Seconds to wait for a server that is away or does not say how long, from the first try in a row that
            it leaves so.
        asked_s: The same for one that says how long, from the call's first try.
    """

    silent_s: float = 120.0
    asked_s: float = 3600.0
    _told: str = ""

    async def call(self, call: Callable[[], Awaitable[T]]) -> T:
        """What `call` gives in the end.

        Raises:
            ServerUnreachable: The server is still away.
            ServerBusy: It still cannot, or asks to wait for longer than we do.
        """
        silence = _Silence()

        async def once() -> T:
            silence.tried_at = time.monotonic()
            return await call()

        tries = AsyncRetrying(
            retry=retry_if_exception_type((ServerUnreachable, ServerBusy)),
            wait=_wait_s,
            stop=partial(self._is_over, silence),
            before_sleep=self._tell,
            reraise=True,
        )
        return await tries(once)  # which waits for a function it can see to be asynchronous

    def _is_over(self, silence: _Silence, state: RetryCallState) -> bool:
        if _asked_s(state) is None:
            return silence.lasts_s() + state.upcoming_sleep > self.silent_s
        silence.since = None
        return (state.seconds_since_start or 0.0) + state.upcoming_sleep > self.asked_s

    def _tell(self, state: RetryCallState) -> None:
        """Once for each kind of trouble, and not for every try."""
        told = str(_error(state))
        if told != self._told:
            asked_s = _asked_s(state)
            again = "trying again" if asked_s is None else f"it asks to wait {asked_s:.0f} s"
            most_s = self.silent_s if asked_s is None else self.asked_s
            note(f"{told}\n{again}, for up to {most_s / 60:.0f} minutes; Ctrl-C stops.")
        self._told = told


@dataclass(slots=True)
class _Silence:
    """How long a server has been away, or has not said how long it wants to be left alone."""

    tried_at: float = 0.0
    since: float | None = None

    def lasts_s(self) -> float:
        """Seconds, with the try that has just failed."""
        if self.since is None:
            self.since = self.tried_at
        return time.monotonic() - self.since


def _wait_s(state: RetryCallState) -> float:
    return max(_BACKOFF(state), _asked_s(state) or 0.0)


def _asked_s(state: RetryCallState) -> float | None:
    error = _error(state)
    return error.retry_after_s if isinstance(error, ServerBusy) else None


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
