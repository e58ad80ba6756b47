"""How hard a provider is pressed: it is left alone while it refuses, and then asked little by little again.

Additive increase, multiplicative decrease (Chiu and Jain, "Analysis of the increase and decrease algorithms", 1989):
a refusal halves the calls in flight, and each round of calls that are answered adds one. After a pause it begins with
slow start, as TCP does (Jacobson, "Congestion avoidance and control", 1988; RFC 5681, section 3.1): each round of
answers doubles the calls in flight, up to half of what there were when it refused first. Refusals that follow without
an answer between them do not lower that mark: they tell that it is away, not how much it takes.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_PAUSE_S = 60.0
"""After which a provider is tried again, whatever it asked for: calls are refused then, not kept waiting."""

NEWS_S = 0.5
"""A pause that ends so little later is the same one, seen by another clock."""

_FIRST_PAUSE_S = 1.0
_LONGEST_GUESS_S = 10.0
"""By then a single call goes out after each pause: no load, and it finds soon that the provider is back."""
_JITTER = 0.2


class Pressure:
    """One provider's, in this process. The caller guards it.

    Args:
        most: Calls in flight at most.
        clock: Seconds that never go back; tests pass their own.
        jitter: A number from 0 to 1; tests pass their own.
    """

    def __init__(
        self,
        most: int,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._most = most
        self._clock = clock
        self._jitter = jitter
        self._window = self._slow_until = float(most)
        self._cut_at = -1.0
        self._in_a_row = 0
        self._answers = True
        self.paused_until = 0.0

    @property
    def places(self) -> int:
        """Calls in flight at most, now."""
        return int(self._window)

    @property
    def is_on(self) -> bool:
        """Whether it is pressed less hard than it may be, for it refused."""
        return self.places < self._most or self.paused_s > 0

    @property
    def paused_s(self) -> float:
        """Seconds until it is asked again; 0 when it may be asked now."""
        return max(0.0, self.paused_until - self._clock())

    def refused(self, retry_after_s: float | None, *, began: float, in_flight: int) -> float:
        """The provider refused a call.

        Args:
            retry_after_s: What it asked for; None when it did not say.
            began: When the call was let out: refusals of calls that went out together count once.
            in_flight: Calls in flight when it came.

        Returns:
            Seconds of the pause that every process is to keep.
        """
        if began > self._cut_at:
            self._cut(min(self._window, float(in_flight)))
            self._in_a_row += 1
        guess = min(_LONGEST_GUESS_S, _FIRST_PAUSE_S * 2.0 ** (self._in_a_row - 1))
        pause = min(LONGEST_PAUSE_S, guess if retry_after_s is None else retry_after_s)
        self.pause(pause)
        return pause

    def pause(self, seconds: float) -> None:
        """Leave the provider alone, a little longer than that, so that not all return at the same moment."""
        until = self._clock() + seconds
        if until > self.paused_until:
            self.paused_until = until + self._jitter() * _JITTER * min(seconds, 5.0)

    def heard_of_pause(self, seconds: float) -> bool:
        """Another process was refused; True when that is news, and not a pause of our own that comes back to us."""
        if seconds <= 0 or self._clock() + seconds <= self.paused_until + NEWS_S:
            return False
        self._cut(self._window)
        self.pause(seconds)
        return True

    def _cut(self, in_flight: float) -> None:
        self._window = max(1.0, in_flight / 2)
        self._cut_at = self._clock()
        if self._answers:
            self._slow_until, self._answers = self._window, False

    def answered(self) -> None:
        """The provider answered a call."""
        self._in_a_row, self._answers = 0, True
        step = 1.0 if self._window < self._slow_until else 1 / self._window
        self._window = min(float(self._most), self._window + step)
