"""Jobs that met a spent daily budget wait for the next one instead of failing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.storage.types import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
