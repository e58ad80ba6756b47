"""When a delivery that failed is tried again, and when that ends."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=7),
    timedelta(hours=9),
)
"""After the first failure, the second and so on: nine attempts in 22.6 hours."""

KEEP_TRYING = timedelta(hours=24)
"""From the first attempt to the last one, whatever receivers ask for."""

JITTER = 0.1
"""Waits are up to this share longer or shorter, so that what failed together is not retried together."""


def next_attempt(
    tries: int, *, now: datetime, give_up_at: datetime, chance: float, retry_after: timedelta | None = None
) -> datetime | None:
    """When to try again; None when that was the last try.

    Args:
        tries: How many failed, this one included.
        now: When this one failed.
        give_up_at: No try is made later.
        chance: From 0 to 1, for the jitter.
        retry_after: What the receiver asked for; it is waited for even where it is longer.
    """
    if tries > len(WAITS) or now >= give_up_at:
        return None
    wait = WAITS[tries - 1] * (1 - JITTER + 2 * JITTER * chance)
    return min(now + max(wait, retry_after or timedelta()), give_up_at)
