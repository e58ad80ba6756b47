"""The door to one provider: who may go through, how many at once, how many a minute, and not while it refuses."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chains.models.admission import ProviderLimitReached
from chains.models.places import Places
from chains.models.retries import QuotaExhausted
from domain.errors import ProviderBadAnswer, ProviderRateLimited, ProviderUnavailable
from service.limits.pressure import NEWS_S, Pressure
from service.limits.sense import Sense
from service.storage.provider_limits import Rates

if TYPE_CHECKING:
    from collections.abc import Callable

    from chains.models.scope import Priority
    from domain.errors import ProviderError

_ASKED = "the pause that the provider asked for"
_USELESS = "the end of a pause, for the provider gave nothing but bad answers"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorLimits:
    """How hard a provider may be pressed.

    Args:
        max_concurrency: Calls in flight at once, of this process.
        shared_concurrency: Calls in flight at once, of all processes together; None is no limit.
        rates: Requests and tokens a minute, of all processes together.
        max_wait_s: The longest that a call waits for what processes share, and for the end of a pause, while somebody
            waits for its answer.
    """

    max_concurrency: int
    shared_concurrency: int | None = None
    rates: Rates = field(default_factory=Rates)
    max_wait_s: float = 20.0

    @property
    def by_the_minute(self) -> bool:
        """Whether requests or tokens are counted."""
        return self.rates.requests is not None or self.rates.tokens is not None

    @property
    def are_shared(self) -> bool:
        """Whether any of them is of all processes together."""
        return self.by_the_minute or self.shared_concurrency is not None


class Door:
    """Calls enter and leave here, in any event loop; a clerk lets in those that wait for what processes share.

    Args:
        provider: Its name.
        limits: How hard it may be pressed.
        wake: Calls the clerk.
        watched: Whether the clerk has to look at what other processes do while calls are in flight.
        clock: Seconds that never go back; tests pass their own.

    Attributes:
        attended: Whether the clerk comes by itself; the clerk says so.
    """

    def __init__(
        self,
        provider: str,
        limits: DoorLimits,
        wake: Callable[[], None],
        *,
        watched: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.provider = provider
        self.limits = limits
        self.slots = 0 if limits.shared_concurrency else limits.max_concurrency
        self.pressure = Pressure(limits.max_concurrency, clock)
        self._sense = Sense(clock)
        self._pause_is = _ASKED
        self.places = Places(self._size(), held=limits.by_the_minute, on_wait=wake)
        self._wake = wake
        self._watched = watched or limits.are_shared
        self._clock = clock
        self._lock = threading.Lock()
        self._unused = 0
        self._pause_to_tell = 0.0
        self._told_until = 0.0
        self.attended = False

    @property
    def is_idle(self) -> bool:
        """Whether no call is in flight and none waits."""
        return not (self.places.used or self.places.waiting)

    async def enter(self, priority: Priority, tokens: int, *, waited_s: float = 0.0) -> float:
        """Wait for a turn.

        Args:
            priority: Whether somebody waits for the answer.
            tokens: What the call uses at most.
            waited_s: How long it has waited before, for its earlier tries.

        Returns:
            When the call was let out.

        Raises:
            ProviderLimitReached: Somebody waits for the answer, and the turn does not come in time.
        """
        if not self.places.try_enter():
            await self._wait(priority, tokens, max(0.0, self.limits.max_wait_s - waited_s))
        if self._watched and not self.attended:
            self._wake()
        return self._clock()

    async def _wait(self, priority: Priority, tokens: int, left_s: float) -> None:
        """Batches have time; what somebody waits for is refused rather than kept waiting."""
        if priority == "batch":
            await self.places.enter(priority, tokens)
            return
        self._refuse_if_paused_for(left_s)
        try:
            async with asyncio.timeout(left_s if self.limits.are_shared or self.pressure.is_on else None):
                await self.places.enter(priority, tokens)
        except TimeoutError:
            retry_after_s = self.pressure.paused_s or self.limits.max_wait_s
            raise ProviderLimitReached(self.provider, self._reason(), retry_after_s=retry_after_s) from None

    def leave(self) -> None:
        """A call has ended, or waits for its next try."""
        self.places.leave()
        if self.limits.by_the_minute and self.places.waiting:
            self._wake()

    def turned_back(self, tokens: int) -> None:
        """A call that was let out does not go out: others may have its tokens."""
        with self._lock:
            self._unused += tokens

    def answered(self, *, unused: int) -> None:
        """The provider answered a call that had asked for so many tokens more than it used."""
        with self._lock:
            self._unused += unused
            before = self.pressure.places
            self.pressure.answered()
            self._sense.answered()
            grown = self.pressure.places != before
        if grown:
            self.places.resize(self._size())

    def failed(self, error: ProviderError, *, began: float, asker: str | None = None) -> None:
        """A call failed. Where it was too much for the provider, or it gives nothing of use, it is left alone a while.

        The error is told how long, so that whoever meets it comes back then, and knows that it is not the article.

        Args:
            error: What the call ended with.
            began: When it was let out.
            asker: Whose call it was.
        """
        with self._lock:
            gives_nothing = isinstance(error, ProviderBadAnswer) and self._sense.answered_badly(asker or "")
            if not gives_nothing and not _is_too_much(error):
                return
            self._pause_is = _USELESS if gives_nothing else _ASKED
            self.pressure.refused(error.retry_after_s, began=began, in_flight=self.places.used + 1)
            error.retry_after_s = max(error.retry_after_s or 0.0, self.pressure.paused_s)
            if self.pressure.paused_until > self._told_until + NEWS_S:
                self._told_until = self.pressure.paused_until
                self._pause_to_tell = self.pressure.paused_s
        self.places.hold(held=True)
        self.places.resize(self._size())
        self._wake()

    def heard_of_pause(self, seconds: float) -> None:
        """Another process was refused."""
        with self._lock:
            is_news = self.pressure.heard_of_pause(seconds)
            self._told_until = max(self._told_until, self.pressure.paused_until)
        if is_news:
            self.places.hold(held=True)
            self.places.resize(self._size())

    def freeze(self) -> int:
        """Let nobody in beyond those who are in, until `lease`; how many these are."""
        self.slots = 0  # first, so that nobody who resizes meanwhile opens the door again
        self.slots = self.places.freeze()
        return self.slots

    def lease(self, slots: int) -> None:
        """Have so many of the calls in flight that processes share."""
        self.slots = slots
        self.places.resize(self._size())

    def open_after_pause(self) -> None:
        """Let calls enter again, unless they are counted by the minute: those the clerk lets in one by one."""
        self.places.hold(held=self.limits.by_the_minute)

    def unused(self) -> int:
        """Tokens to give back since the last time this was asked; negative when more were used than asked for."""
        with self._lock:
            unused, self._unused = self._unused, 0
        return unused

    def pause_to_tell(self) -> float:
        """Seconds of a pause that other processes do not know of yet; 0 when there is none."""
        with self._lock:
            seconds, self._pause_to_tell = self._pause_to_tell, 0.0
        return seconds

    def _size(self) -> int:
        return min(self.limits.max_concurrency, self.slots, self.pressure.places)

    def _refuse_if_paused_for(self, left_s: float) -> None:
        if (paused_s := self.pressure.paused_s) > left_s:
            raise ProviderLimitReached(self.provider, self._reason(), retry_after_s=paused_s)

    def _reason(self) -> str:
        if self.pressure.paused_s:
            return self._pause_is
        if self.pressure.is_on and not self.limits.are_shared:
            return "their turn, for it takes few of them after it refused"
        told = [
            f"{count} {unit}"
            for count, unit in (
                (self.limits.rates.requests, "requests a minute"),
                (self.limits.rates.tokens, "tokens a minute"),
                (self.limits.shared_concurrency or self.limits.max_concurrency, "calls at once"),
            )
            if count is not None
        ]
        return f"our own limit of {', '.join(told)}"


def _is_too_much(error: ProviderError) -> bool:
    """A 429 that passes, or a 503 that says when to come back; an empty account gets no fuller by waiting."""
    if isinstance(error, QuotaExhausted | ProviderLimitReached):
        return False
    if isinstance(error, ProviderRateLimited):
        return True
    return isinstance(error, ProviderUnavailable) and error.retry_after_s is not None
