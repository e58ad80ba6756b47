"""Tables of what all processes share about model calls: providers' limits, money that was spent, answers of before.

Moments that only the database compares are seconds since 1970 by its own clock: processes' clocks differ.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, String, Table, Text

from retrievers.tables import metadata
from service.storage.types import Json, UtcDateTime

provider_limits = Table(
    "provider_limits",
    metadata,
    Column("provider", String(100), primary_key=True),
    Column("requests", Double, nullable=False),  # in the bucket of requests, when it was last filled
    Column("tokens", Double, nullable=False),  # in the bucket of tokens; below 0 it has to be paid back first
    Column("filled_at", Double, nullable=False),
    Column("paused_until", Double, nullable=False),  # the provider asked us to stay away until then
    Column("urgent_until", Double, nullable=False),  # somebody waits for an answer: batches hold back until then
)

provider_leases = Table(
    "provider_leases",
    metadata,
    Column("provider", String(100), primary_key=True),
    Column("holder", String(40), primary_key=True),  # a process
    Column("slots", Integer, nullable=False),  # calls it may have in flight
    Column("wanted", Integer, nullable=False),
    Column("expires_at", Double, nullable=False),
)

spend = Table(
    "spend",
    metadata,
    Column("day", String(10), primary_key=True),  # UTC, YYYY-MM-DD
    Column("key_id", String(40), primary_key=True),  # empty without keys
    Column("pipeline", String(100), primary_key=True),  # empty outside a pipeline's run
    Column("provider", String(100), primary_key=True),
    Column("calls", BigInteger, nullable=False),
    Column("unpriced_calls", BigInteger, nullable=False),  # of models whose price nobody told us
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cost_usd", Double, nullable=False),
)

step_cache = Table(
    "step_cache",
    metadata,
    Column("question", String(64), primary_key=True),  # SHA-256 of all that can change the answer
    Column("model", Text, nullable=False),
    Column("answers", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime, nullable=False),
    Column("hits", Integer, nullable=False),
    Index("step_cache_by_age", "created_at"),
    Index("step_cache_by_use", "used_at"),
)

__all__ = ["metadata", "provider_leases", "provider_limits", "spend", "step_cache"]
