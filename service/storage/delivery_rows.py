"""Webhook deliveries as they stand in their rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Row

DeliveryStatus = Literal["pending", "delivered", "failed"]

KEPT_ATTEMPTS = 30
"""The log of one delivery keeps so many attempts, the latest ones; a round of retries makes fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request to the receiver, and what came of it.

    Args:
        at: When it was sent, in UTC.
        status_code: What the receiver answered; None when there was no answer.
        error: Why it did not count as delivered; None when it did.
        duration_ms: From the start to the answer's headers, or to the error.
    """

    at: datetime
    status_code: int | None
    error: str | None
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """What is to be delivered, before the first attempt.

    Args:
        id: The message's id, the same in every attempt.
        created_at: When the event happened, in UTC.
        event_type: Such as `batch.done`.
        subject: Id of what the event is about.
        url: Where to.
        host: The URL's host and port.
        secret: Signs every attempt.
        body: The bytes every attempt sends.
        key_id: Of the API key that asked for it; None without keys.
        tenant: Of that key.
    """

    id: str
    created_at: datetime
    event_type: str
    subject: str
    url: str
    host: str
    secret: str = field(repr=False)
    body: bytes = field(repr=False)
    key_id: str | None = None
    tenant: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivery as the log shows it: without secret and body.

    Args:
        attempts: The latest ones, oldest first.
        attempt_count: How many there were in all.
        next_attempt_at: None when it is delivered or has failed.
    """

    id: str
    created_at: datetime
    event_type: str
    subject: str
    url: str
    status: DeliveryStatus
    attempts: tuple[Attempt, ...]
    attempt_count: int
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A delivery that this process is to attempt now, and nobody else until the lease runs out.

    Args:
        token: Of this attempt.
        tries: Attempts before this one since the delivery was asked for, or asked for again.
        give_up_at: After that moment no further attempt is made; None before the first.
    """

    id: str
    token: str
    event_type: str
    url: str
    host: str
    secret: str = field(repr=False)
    body: bytes = field(repr=False)
    tries: int
    give_up_at: datetime | None
    attempts: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of a delivery after an attempt.

    Args:
        status: `pending` when it is tried again.
        next_attempt_at: When; None unless it is pending.
        give_up_at: The end of this round of tries.
    """

    status: DeliveryStatus
    next_attempt_at: datetime | None
    give_up_at: datetime


def claimed_row(row: Row[Any], token: str) -> Claimed:
    """A row that was claimed with that token."""
    return Claimed(
        id=row.id,
        token=token,
        event_type=row.event_type,
        url=row.url,
        host=row.host,
        secret=row.secret,
        body=bytes(row.body),
        tries=row.tries,
        give_up_at=row.give_up_at,
        attempts=row.attempts,
    )


def delivery_of(row: Row[Any]) -> Delivery:
    """A row for the log."""
    return Delivery(
        id=row.id,
        created_at=row.created_at,
        event_type=row.event_type,
        subject=row.subject,
        url=row.url,
        status=row.status,
        attempts=tuple(_attempt(values) for values in row.attempts),
        attempt_count=row.attempt_count,
        next_attempt_at=row.next_attempt_at,
    )


def attempts_with(earlier: Sequence[Mapping[str, Any]], attempt: Attempt) -> list[Mapping[str, Any]]:
    """The column's value with one more attempt; the oldest ones go when there are many."""
    values = {
        "at": attempt.at.astimezone(UTC).isoformat(),
        "status_code": attempt.status_code,
        "error": attempt.error,
        "duration_ms": attempt.duration_ms,
    }
    return [*earlier, values][-KEPT_ATTEMPTS:]


def _attempt(values: Mapping[str, Any]) -> Attempt:
    return Attempt(
        at=datetime.fromisoformat(values["at"]),
        status_code=values["status_code"],
        error=values["error"],
        duration_ms=values["duration_ms"],
    )
