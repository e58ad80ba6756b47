"""The header Retry-After: how long a server asks to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_S = 86_400.0
"""No server keeps us away for longer than a day: a wrong number would stop a feed for good."""


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds to wait, from 0 to a day; None where the header is missing or cannot be read.

    Args:
        value: Seconds, or a date of RFC 9110.
        now: What a date is counted from.
    """
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return min(float(value.strip()[:12]), LONGEST_S)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - (now or datetime.now(UTC))).total_seconds()), LONGEST_S)
