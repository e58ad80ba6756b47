"""How often a key may call: a moving window per key, in this process.

The counts live in memory, so each process counts for itself: over N processes a key gets up to N times its rate. That
is documented rather than paid for: a shared count would cost a database write on every request. The notation is read
by `limits`; its in-memory storage is not used because it starts a thread for nearly every hit, which cost 0.5 ms of CPU
where this window costs 3 microseconds.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

_REMEMBERED_CALLERS = 10_000
_MOST = 1_000_000


class InvalidRate(InvalidInput):
    """A rate that cannot be read."""

    noun = "value"

    def __init__(self, text: str) -> None:
        super().__init__("rate", f"{text!r} is not a rate: write a number and a unit, such as 60/minute or 10/second")


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls in any stretch of so many seconds.

    Args:
        limit: Calls.
        window_s: Seconds.
        text: As people write it: `60/minute`.
    """

    limit: int
    window_s: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RateState:
    """Where a caller stands after a call.

    Args:
        allowed: Whether this call may go on.
        limit: Calls per window.
        window_s: The window's length in seconds.
        remaining: Calls left now.
        reset_s: Whole seconds until at least one more call is free (0 when nothing is used).
    """

    allowed: bool
    limit: int
    window_s: int
    remaining: int
    reset_s: int

    def headers(self) -> dict[str, str]:
        """`RateLimit` and `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers; `Retry-After` when refused."""
        headers = {
            "RateLimit-Policy": f'"key";q={self.limit};w={self.window_s}',
            "RateLimit": f'"key";r={self.remaining};t={self.reset_s}',
        }
        if not self.allowed:
            headers["Retry-After"] = str(max(1, self.reset_s))
        return headers


def parse_rate(text: str) -> Rate:
    """Read `60/minute`, `10 per 5 second` and the like.

    Raises:
        InvalidRate: It is no rate, or one of nothing.
    """
    from limits import parse

    try:
        item = parse(text)
    except ValueError:
        raise InvalidRate(text) from None
    if not 1 <= item.amount <= _MOST or item.get_expiry() < 1:
        raise InvalidRate(text)
    return Rate(item.amount, item.get_expiry(), text.strip())


class RateLimiter:
    """Counts the calls of each caller in a moving window.

    Args:
        clock: Seconds that never go back; tests pass their own.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def hit(self, caller: str, rate: Rate) -> RateState:
        """Count one call of `caller`, unless it is over its rate; refused calls do not count."""
        with self._lock:
            now = self._clock()
            calls = self._window(caller)
            while calls and calls[0] <= now - rate.window_s:
                calls.popleft()
            allowed = len(calls) < rate.limit
            if allowed:
                calls.append(now)
            return RateState(
                allowed=allowed,
                limit=rate.limit,
                window_s=rate.window_s,
                remaining=max(0, rate.limit - len(calls)),
                reset_s=math.ceil(calls[0] + rate.window_s - now),
            )

    def _window(self, caller: str) -> deque[float]:
        calls = self._calls.get(caller)
        if calls is None:
            calls = self._calls[caller] = deque()
            if len(self._calls) > _REMEMBERED_CALLERS:
                self._calls.popitem(last=False)
        else:
            self._calls.move_to_end(caller)
        return calls
