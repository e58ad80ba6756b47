"""Jobs that wait for a daily budget, and what tells which feed entries and guesses are needed no more."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from service.storage.types import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _jobs()
    _feed_entries()
    op.create_index("guesses_by_time", "guesses", ["created_at"], unique=False)


def _jobs() -> None:
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("deferred_by", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("not_before", UtcDateTime, nullable=True))
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index("jobs_to_hand_over")
        batch_op.create_index(
            "jobs_to_hand_over",
            ["priority", "id"],
            unique=False,
            sqlite_where=sa.text("status = 'queued' AND portion IS NULL AND deferred_by IS NULL"),
            postgresql_where=sa.text("status = 'queued' AND portion IS NULL AND deferred_by IS NULL"),
        )
        batch_op.drop_index("jobs_waiting")
        batch_op.create_index(
            "jobs_waiting",
            ["not_before", "id"],
            unique=False,
            sqlite_where=sa.text("status = 'queued'"),
            postgresql_where=sa.text("status = 'queued'"),
        )
        batch_op.create_index(
            "jobs_deferred",
            ["deferred_by", "pipeline", "key_id"],
            unique=False,
            sqlite_where=sa.text("status = 'queued' AND deferred_by IS NOT NULL"),
            postgresql_where=sa.text("status = 'queued' AND deferred_by IS NOT NULL"),
        )


def _feed_entries() -> None:
    """Nobody knows when an old entry was listed last: all count as listed now, so none is dropped too early."""
    with op.batch_alter_table("feed_entries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("listed_at", UtcDateTime, nullable=True))
    entries = sa.table("feed_entries", sa.column("listed_at", UtcDateTime))
    op.execute(entries.update().values(listed_at=datetime.now(UTC)))
    op.create_index("feed_entries_by_listing", "feed_entries", ["feed_id", "listed_at"], unique=False)
