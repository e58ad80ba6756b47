"""When a feed is pulled: cron as crontab(5) knows it, spread a little, and later after failures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from service.feeds.errors import InvalidFeed

if TYPE_CHECKING:
    from service.storage.feed_rows import FeedSpec

FIRST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(days=1)
LARGEST_SPREAD_S = 60.0

_FIELDS = 5
_SPREAD = 0.1
_MOST_DOUBLINGS = 12


def check_schedule(schedule: str | None, timezone: str) -> None:
    """Say what is wrong with a schedule, if anything is.

    Args:
        schedule: Five fields of cron; None is no schedule.
        timezone: Name of a zone of the IANA database.

    Raises:
        InvalidFeed: It cannot be read, or never comes.
    """
    from croniter import CroniterError

    _zone(timezone)
    if schedule is None:
        return
    if len(schedule.split()) != _FIELDS:
        raise InvalidFeed("schedule", f"{schedule!r} has not five fields: minute, hour, day, month, weekday")
    if any(part.lower().startswith("r") for field in schedule.split() for part in field.split(",")):
        # croniter's own: a number drawn anew each time it is asked, so that a feed has no next pull to speak of
        raise InvalidFeed("schedule", f"{schedule!r} is no cron expression: R means a number drawn at random")
    try:
        _tick(schedule, timezone, datetime.now(UTC))
    except (CroniterError, ValueError, KeyError, OverflowError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InvalidFeed("schedule", f"{schedule!r} is no cron expression: {reason}") from None


def next_pull(feed_id: str, spec: FeedSpec, after: datetime) -> datetime | None:
    """The next moment that a feed's schedule means, in UTC; None without one.

    Each feed comes up to a tenth of its interval later, at most a minute, always the same for the same feed: a hundred
    feeds of `0 * * * *` do not begin in the same second.

    Args:
        feed_id: Of the feed.
        spec: Its schedule and time zone.
        after: The moment comes later than this.
    """
    if spec.schedule is None:
        return None
    tick = _tick(spec.schedule, spec.timezone, after)
    interval_s = (_tick(spec.schedule, spec.timezone, tick) - tick).total_seconds()
    share = int.from_bytes(blake2b(feed_id.encode(), digest_size=4).digest(), "big") / 2**32
    return tick + timedelta(seconds=share * min(LARGEST_SPREAD_S, interval_s * _SPREAD))


def retry_at(failures: int, now: datetime) -> datetime:
    """The earliest next try after so many failures in a row: five minutes, doubled each time, at most a day."""
    return now + min(FIRST_WAIT * (1 << min(failures - 1, _MOST_DOUBLINGS)), LONGEST_WAIT)


def _tick(schedule: str, timezone: str, after: datetime) -> datetime:
    from croniter import croniter

    seconds: float = croniter(schedule, after.astimezone(_zone(timezone))).get_next(float)
    return datetime.fromtimestamp(seconds, UTC)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidFeed("timezone", f"{name!r} is no time zone, such as UTC or Europe/Berlin") from None
