"""Items that are run again have a job of their own, and know the one that failed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_IS_KNOWN = sa.text("failed_job_id IS NOT NULL")


def upgrade() -> None:
    # In SQL of both databases: Alembic would have SQLite copy the table for a column that refers to another one.
    op.execute("ALTER TABLE batch_items ADD COLUMN failed_job_id VARCHAR(40) REFERENCES jobs (id)")
    op.create_index(
        "batch_items_by_failed_job",
        "batch_items",
        ["failed_job_id"],
        unique=False,
        sqlite_where=_IS_KNOWN,
        postgresql_where=_IS_KNOWN,
    )
    if op.get_context().dialect.name == "postgresql":  # SQLite keeps no comments
        op.create_table_comment(
            "job_calls", "Answered model calls of jobs without a riddle: they are never paid again."
        )
