"""Riddles on their way to become pre-made examples. What waits here is in no index, for it is no example yet."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, String, Table

from retrievers.tables import metadata
from service.storage.types import Json, UtcDateTime

promotions = Table(
    "promotions",
    metadata,
    Column("riddle_id", String(40), ForeignKey("riddles.id"), primary_key=True),
    Column("tenant", String(100), primary_key=True),  # empty is everybody's: tenants promote a shared riddle apart
    Column("example_id", String(64), nullable=False),  # the example's, from the beginning
    Column("content", Json),  # of the example to be; null once it is one
    Column("pipeline", String(100), nullable=False),
    Column("steps", Json, nullable=False),
    Column("promoted_by", String(40), nullable=False),  # key id, or 'anonymous'
    Column("promoted_at", UtcDateTime, nullable=False),
    Column("approved_by", String(40)),
    Column("approved_at", UtcDateTime),
    Index("promotions_by_example", "example_id"),
)

__all__ = ["promotions"]
