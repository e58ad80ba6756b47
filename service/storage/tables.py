"""The service's tables, beside the examples' in the same metadata: one database, one history of migrations."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Double, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

import service.storage.guess_tables
import service.storage.limit_tables
import service.storage.promotion_tables  # noqa: F401 -- all of them put their tables into the same metadata
from retrievers.tables import metadata
from service.storage.job_tables import batch_items, batches, job_calls, jobs, workers
from service.storage.types import Json, UtcDateTime
from service.storage.webhook_tables import webhook_deliveries

articles = Table(
    "articles",
    metadata,
    Column("id", String(40), primary_key=True),  # of the content: the same article is one row
    Column("created_at", UtcDateTime, nullable=False),
    Column("title", Text),
    Column("text", Text, nullable=False),
    Column("url", Text),
    Column("source", Text),
    Column("published_at", String(40)),  # RFC 3339 with the zone it came with, which is part of the id
    Column("language", Text),
)

riddles = Table(
    "riddles",
    metadata,
    Column("id", String(40), primary_key=True),  # `rid_` and a UUIDv7: sorts by time
    Column("created_at", UtcDateTime, nullable=False),
    Column("day", String(10), nullable=False),  # UTC date of created_at, YYYY-MM-DD
    Column("key_id", String(40)),  # who asked for it; null without keys
    Column("tenant", String(100)),
    Column("status", String(20), nullable=False),
    Column("pipeline", String(100), nullable=False),
    Column("article_id", String(40), ForeignKey("articles.id"), nullable=False),
    Column("source", Text),  # the article's, again: lists filter by it without a join
    Column("summary", Text),
    Column("riddle", Text),
    Column("answer", Text),
    Column("hints", Json, nullable=False),
    Column("steps", Json, nullable=False),
    Column("checks", Json, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("usage", Json, nullable=False),
    Column("timings_ms", Json, nullable=False),
    CheckConstraint("status IN ('published', 'needs_review')", name="status"),
    Index("riddles_by_day", "day", "id"),
    Index("riddles_by_source", "source", "id"),
    Index("riddles_by_article", "article_id"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", String(20), nullable=False),
    Column("rate", String(40)),  # such as 60/minute; null is no limit
    Column("tenant", String(100)),
    Column("daily_usd", Double),  # money its calls may cost in a UTC day; null is no limit
    Column("secret_hash", LargeBinary(32), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    CheckConstraint("role IN ('reader', 'writer', 'admin')", name="role"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("owner", String(40), primary_key=True),  # key id, or 'anonymous'
    Column("key", String(255), primary_key=True),
    Column("body_hash", String(64), nullable=False),
    Column("holder", String(40)),  # the process that works on it; null when done
    Column("token", String(40), nullable=False),  # of this try: a late finisher of a lost lease changes nothing
    Column("lease_until", UtcDateTime),  # null: held for as long as the process lives (SQLite) or done
    Column("status", Integer),
    Column("headers", Json),
    Column("body", LargeBinary),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("batch_id", String(40)),  # the answer tells of this batch and lives at least as long as there is work in it
    Index("idempotency_by_expiry", "expires_at"),
)

__all__ = [
    "api_keys",
    "articles",
    "batch_items",
    "batches",
    "idempotency",
    "job_calls",
    "jobs",
    "metadata",
    "riddles",
    "webhook_deliveries",
    "workers",
]
