"""Feeds, what came of their entries, and what near-duplicates are found by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.storage.types import Json, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feeds",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=True),
        sa.Column("tenant", sa.String(length=100), nullable=True),
        sa.Column("by_operator", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("loader", sa.String(length=100), nullable=True),
        sa.Column("arguments", Json, nullable=False),
        sa.Column("api_key", sa.String(length=100), nullable=True),
        sa.Column("schedule", sa.String(length=100), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("pipeline", sa.String(length=200), nullable=True),
        sa.Column("host", sa.String(length=260), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("last_pull_at", UtcDateTime, nullable=True),
        sa.Column("last_status", sa.String(length=20), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_pull_at", UtcDateTime, nullable=True),
        sa.Column("not_before", UtcDateTime, nullable=True),
        sa.Column("pull_token", sa.String(length=40), nullable=True),
        sa.Column("pull_until", UtcDateTime, nullable=True),
        sa.CheckConstraint("kind IN ('rss', 'newsapi', 'jsonl', 'loader')", name=op.f("ck_feeds_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feeds")),
    )
    op.create_index("feeds_by_next_pull", "feeds", ["next_pull_at"], unique=False)
    op.create_index("feeds_by_host", "feeds", ["host"], unique=False)

    op.create_table(
        "feed_entries",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("feed_id", sa.String(length=40), nullable=False),
        sa.Column("pipeline", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=100), nullable=False),
        sa.Column("first_seen", UtcDateTime, nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("duplicate_of", sa.String(length=40), nullable=True),
        sa.Column("article_id", sa.String(length=40), nullable=True),
        sa.Column("batch_id", sa.String(length=40), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sketch_size", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('riddled', 'duplicate', 'skipped', 'waiting')", name=op.f("ck_feed_entries_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["feed_id"], ["feeds.id"], name=op.f("fk_feed_entries_feed_id_feeds"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_entries")),
        sa.UniqueConstraint("feed_id", "pipeline", "key", name=op.f("uq_feed_entries_key")),
    )
    op.create_table(
        "feed_addresses",
        sa.Column("scope", sa.String(length=100), nullable=False),
        sa.Column("pipeline", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("entry_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["feed_entries.id"],
            name=op.f("fk_feed_addresses_entry_id_feed_entries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("scope", "pipeline", "address", name=op.f("pk_feed_addresses")),
    )
    op.create_index("feed_addresses_by_entry", "feed_addresses", ["entry_id"], unique=False)

    op.create_table(
        "feed_shingles",
        sa.Column("hash", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.String(length=40), nullable=False),
        sa.Column("seen_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["feed_entries.id"], name=op.f("fk_feed_shingles_entry_id_feed_entries"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hash", "entry_id", name=op.f("pk_feed_shingles")),
        comment="Sketches of the stories of the last days: near-duplicates share many of these hashes.",
    )
    op.create_index("feed_shingles_by_entry", "feed_shingles", ["entry_id"], unique=False)
    op.create_index("feed_shingles_by_time", "feed_shingles", ["seen_at"], unique=False)
