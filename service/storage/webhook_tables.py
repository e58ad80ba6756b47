"""The table of webhook deliveries: outbox, work list and log in one."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, String, Table, Text

from retrievers.tables import metadata
from service.storage.types import Json, UtcDateTime

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", String(40), primary_key=True),  # `whd_` and a UUIDv7: sorts by time; sent as webhook-id
    Column("created_at", UtcDateTime, nullable=False),
    Column("event_type", String(60), nullable=False),  # such as batch.done
    Column("subject", String(100), nullable=False),  # id of what the event is about
    Column("key_id", String(40)),  # who asked for it; null without keys
    Column("tenant", String(100)),
    Column("url", Text, nullable=False),
    Column("host", String(300), nullable=False),  # of the URL, with its port: a slow one gets a share of the slots only
    Column("secret", Text, nullable=False),  # in clear, for every attempt is signed with it; never given out
    Column("body", LargeBinary, nullable=False),  # every attempt sends these bytes
    Column("status", String(20), nullable=False),
    Column("attempts", Json, nullable=False),  # the latest ones, oldest first
    Column("attempt_count", Integer, nullable=False),  # of all
    Column("tries", Integer, nullable=False),  # attempts since it was asked for, or asked for again
    Column("next_attempt_at", UtcDateTime),  # null when delivered or failed
    Column("give_up_at", UtcDateTime),  # null before the first of these tries
    Column("claim", String(40)),  # of the attempt that is being made, which a late one has lost; redeliveries mark it
    Column("claimed_until", UtcDateTime),
    CheckConstraint("status IN ('pending', 'delivered', 'failed')", name="status"),
    CheckConstraint("(status = 'pending') = (next_attempt_at IS NOT NULL)", name="next_attempt"),
    Index("webhook_deliveries_due", "next_attempt_at"),
    Index("webhook_deliveries_by_subject", "subject", "id"),
    Index("webhook_deliveries_by_age", "created_at"),
)

__all__ = ["webhook_deliveries"]
