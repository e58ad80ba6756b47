"""The tables of feeds, beside the service's own in the same metadata."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from retrievers.tables import metadata
from service.storage.types import Json, UtcDateTime

feeds = Table(
    "feeds",
    metadata,
    Column("id", String(40), primary_key=True),  # `feed_` and a UUIDv7: sorts by time
    Column("created_at", UtcDateTime, nullable=False),
    Column("key_id", String(40)),  # who added it; null without keys
    Column("tenant", String(100)),
    Column("by_operator", Boolean, nullable=False),  # added at the command line: its loader needs no other permission
    Column("kind", String(20), nullable=False),
    Column("url", Text),
    Column("loader", String(100)),
    Column("arguments", Json, nullable=False),
    Column("api_key", String(100)),  # the name of a key in the settings, never the key
    Column("schedule", String(100)),
    Column("timezone", String(64), nullable=False),
    Column("pipeline", String(200)),
    Column("host", String(260), nullable=False),  # of the url; empty where there is none
    Column("etag", Text),
    Column("last_modified", Text),
    Column("last_pull_at", UtcDateTime),
    Column("last_status", String(20)),
    Column("last_error", Text),
    Column("failures", Integer, nullable=False),  # since the last success
    Column("next_pull_at", UtcDateTime),  # null without a schedule
    Column("not_before", UtcDateTime),  # the host asked to be left alone until then
    Column("pull_token", String(40)),  # of the pull that is going on
    Column("pull_until", UtcDateTime),  # when that pull has to be over: later its process is taken for dead
    CheckConstraint("kind IN ('rss', 'newsapi', 'jsonl', 'loader')", name="kind"),
    Index("feeds_by_next_pull", "next_pull_at"),
    Index("feeds_by_host", "host"),
)

feed_entries = Table(
    "feed_entries",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("feed_id", String(40), ForeignKey("feeds.id", ondelete="CASCADE"), nullable=False),
    Column("pipeline", String(200), nullable=False),
    Column("key", String(64), nullable=False),
    Column("scope", String(100), nullable=False),  # whose stories it is compared with: the tenant, or empty
    Column("first_seen", UtcDateTime, nullable=False),
    Column("listed_at", UtcDateTime),  # when the feed listed it last, to the day
    Column("url", Text),
    Column("title", Text),
    Column("outcome", String(20), nullable=False),
    Column("reason", Text),  # why it was skipped
    Column("duplicate_of", String(40)),  # another entry, perhaps of another feed
    Column("article_id", String(40)),
    Column("batch_id", String(40)),
    Column("tries", Integer, nullable=False),  # how often it was skipped for a reason that may pass
    Column("sketch_size", Integer, nullable=False),
    UniqueConstraint("feed_id", "pipeline", "key", name="uq_feed_entries_key"),
    Index("feed_entries_by_listing", "feed_id", "listed_at"),
    CheckConstraint("outcome IN ('riddled', 'duplicate', 'skipped', 'waiting')", name="outcome"),
)

feed_addresses = Table(
    "feed_addresses",
    metadata,
    Column("scope", String(100), primary_key=True),
    Column("pipeline", String(200), primary_key=True),
    Column("address", String(64), primary_key=True),  # SHA-256 of the canonical URL: one address is riddled once
    Column("entry_id", String(40), ForeignKey("feed_entries.id", ondelete="CASCADE"), nullable=False),
    Index("feed_addresses_by_entry", "entry_id"),
)

feed_shingles = Table(
    "feed_shingles",
    metadata,
    Column("hash", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", String(40), ForeignKey("feed_entries.id", ondelete="CASCADE"), primary_key=True),
    Column("seen_at", UtcDateTime, nullable=False),
    Index("feed_shingles_by_entry", "entry_id"),
    Index("feed_shingles_by_time", "seen_at"),
    comment="Sketches of the stories of the last days: near-duplicates share many of these hashes.",
)

__all__ = ["feed_addresses", "feed_entries", "feed_shingles", "feeds"]
