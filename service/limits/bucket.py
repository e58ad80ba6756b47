"""The token bucket: how much may be given out, and when more.

A bucket that holds `capacity` and is filled with `rate` a second gives out at most `capacity + rate * t` in any stretch
of `t` seconds (Turner, "New directions in communications", 1986). So that no minute sees more than a provider's limit,
a tenth of the limit is the capacity and the rest comes in over the minute.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

MINUTE_S = 62.0
"""A minute with two seconds to spare: between what we let out and what the provider counts lies the network."""

_SHARE_AT_ONCE = 0.1
_HAIR = 1e-6
"""What sums of floating-point numbers may miss."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket at a moment.

    Args:
        capacity: The most that it holds.
        rate: What comes in in a second.
        level: What it held at the moment `at`; below 0 when more was taken than it held.
        at: In seconds of any clock.
    """

    capacity: float
    rate: float
    level: float
    at: float

    @classmethod
    def of_requests(cls, per_minute: int, level: float | None = None, at: float = 0.0) -> Bucket:
        """A bucket that gives out at most `per_minute` requests in any minute; a full one unless a level is given."""
        capacity = max(1.0, per_minute * _SHARE_AT_ONCE)
        rate = (per_minute - capacity + 1) / MINUTE_S  # + 1: a request that is not whole yet is not given out
        return cls(capacity, rate, capacity if level is None else level, at)

    @classmethod
    def of_tokens(cls, per_minute: int, level: float | None = None, at: float = 0.0) -> Bucket:
        """The same for tokens."""
        capacity = max(1.0, per_minute * _SHARE_AT_ONCE)
        return cls(capacity, (per_minute - capacity) / MINUTE_S, capacity if level is None else level, at)

    def at_moment(self, now: float) -> Bucket:
        """The same bucket later; a clock that went back fills nothing."""
        passed = max(0.0, now - self.at)
        return replace(self, level=min(self.capacity, self.level + self.rate * passed), at=max(self.at, now))

    def gives(self, amount: float) -> bool:
        """Whether it can give so much now. More than its capacity is given when it is full, and paid back after."""
        return self.level + _HAIR >= min(amount, self.capacity)

    def without(self, amount: float) -> Bucket:
        """The bucket after so much was taken; a negative amount gives back what was not used."""
        return replace(self, level=min(self.capacity, self.level - amount))

    def wait_s(self, amount: float) -> float:
        """Seconds until it gives so much; infinite when nothing comes in."""
        missing = min(amount, self.capacity) - self.level
        if missing <= 0:
            return 0.0
        return missing / self.rate if self.rate > 0 else float("inf")
