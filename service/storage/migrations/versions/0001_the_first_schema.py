"""The first schema: articles, riddles, API keys, idempotency, and the example store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.storage.types import Json, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("rate", sa.String(length=40), nullable=True),
        sa.Column("tenant", sa.String(length=100), nullable=True),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("revoked_at", UtcDateTime, nullable=True),
        sa.CheckConstraint("role IN ('reader', 'writer', 'admin')", name=op.f("ck_api_keys_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_table(
        "articles",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("published_at", sa.String(length=40), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_articles")),
    )
    op.create_table(
        "example_tombstones",
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("content_hash", name=op.f("pk_example_tombstones")),
        comment="Content that is no example any more: every index drops its vector.",
    )
    with op.batch_alter_table("example_tombstones", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_example_tombstones_revision"), ["revision"], unique=False)

    op.create_table(
        "examples",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("headline", sa.Text(), nullable=False),
        sa.Column("article", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("riddle", sa.Text(), nullable=False),
        sa.Column("hints", sa.JSON(), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column(
            "added", sa.BigInteger(), nullable=False, comment="revision at which it was added; lists are sorted by it"
        ),
        sa.Column("revision", sa.BigInteger(), nullable=False, comment="revision of the last change"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_examples")),
        sa.UniqueConstraint("content_hash", name=op.f("uq_examples_content_hash")),
    )
    with op.batch_alter_table("examples", schema=None) as batch_op:
        batch_op.create_index("ix_examples_added_id", ["added", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_examples_revision"), ["revision"], unique=False)
        batch_op.create_index("ix_examples_tenant", ["tenant"], unique=False)

    op.create_table(
        "idempotency",
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=40), nullable=True),
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("lease_until", UtcDateTime, nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", Json, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_idempotency")),
    )
    with op.batch_alter_table("idempotency", schema=None) as batch_op:
        batch_op.create_index("idempotency_by_expiry", ["expires_at"], unique=False)

    op.create_table(
        "revisions",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_revisions")),
        comment="Row 'examples' counts changes; row 'index' is locked by the process that updates a shared index.",
    )
    op.create_table(
        "shipped_examples",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("example_id", sa.String(length=64), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_shipped_examples")),
        comment="What the package gave: an example that differs from it was edited, one that is missing was removed.",
    )
    op.create_table(
        "riddles",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=True),
        sa.Column("tenant", sa.String(length=100), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("pipeline", sa.String(length=100), nullable=False),
        sa.Column("article_id", sa.String(length=40), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("riddle", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("hints", Json, nullable=False),
        sa.Column("steps", Json, nullable=False),
        sa.Column("checks", Json, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("usage", Json, nullable=False),
        sa.Column("timings_ms", Json, nullable=False),
        sa.CheckConstraint("status IN ('published', 'needs_review')", name=op.f("ck_riddles_status")),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_riddles_article_id_articles")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_riddles")),
    )
    with op.batch_alter_table("riddles", schema=None) as batch_op:
        batch_op.create_index("riddles_by_article", ["article_id"], unique=False)
        batch_op.create_index("riddles_by_day", ["day", "id"], unique=False)
        batch_op.create_index("riddles_by_source", ["source", "id"], unique=False)
