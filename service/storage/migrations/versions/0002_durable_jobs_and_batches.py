"""Durable jobs with the model calls they have paid for, batches, and the processes that work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.storage.types import Json, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("finished_at", UtcDateTime, nullable=True),
        sa.Column("cancelled_at", UtcDateTime, nullable=True),
        sa.Column("key_id", sa.String(length=40), nullable=True),
        sa.Column("tenant", sa.String(length=100), nullable=True),
        sa.Column("pipeline", sa.String(length=200), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("open_items", sa.Integer(), nullable=False),
        sa.Column("webhook", Json, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    with op.batch_alter_table("batches", schema=None) as batch_op:
        batch_op.create_index("batches_by_end", ["finished_at"], unique=False)

    op.create_table(
        "workers",
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("beat_at", UtcDateTime, nullable=False),
        sa.Column("gone_at", UtcDateTime, nullable=True),
        sa.Column("emptied_at", UtcDateTime, nullable=True),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
        comment="Processes that do jobs; only on PostgreSQL, where there can be several.",
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("dedup_key", sa.String(length=64), nullable=False),
        sa.Column("article_id", sa.String(length=40), nullable=False),
        sa.Column("pipeline", sa.String(length=200), nullable=False),
        sa.Column("tenant", sa.String(length=100), nullable=True),
        sa.Column("key_id", sa.String(length=40), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("portion", sa.String(length=40), nullable=True),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=60), nullable=True),
        sa.Column("started_at", UtcDateTime, nullable=True),
        sa.Column("finished_at", UtcDateTime, nullable=True),
        sa.Column("riddle_id", sa.String(length=40), nullable=True),
        sa.Column("error", Json, nullable=True),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'published', 'needs_review', 'failed', 'cancelled')",
            name=op.f("ck_jobs_status"),
        ),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_jobs_article_id_articles")),
        sa.ForeignKeyConstraint(["riddle_id"], ["riddles.id"], name=op.f("fk_jobs_riddle_id_riddles")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index("jobs_by_article", ["article_id"], unique=False)
        batch_op.create_index("jobs_by_dedup_key", ["dedup_key", "created_at"], unique=False)
        batch_op.create_index("jobs_by_end", ["finished_at"], unique=False)
        batch_op.create_index("jobs_by_riddle", ["riddle_id"], unique=False)
        batch_op.create_index(
            "jobs_to_hand_over",
            ["priority", "id"],
            unique=False,
            sqlite_where=sa.text("status = 'queued' AND portion IS NULL"),
            postgresql_where=sa.text("status = 'queued' AND portion IS NULL"),
        )
        batch_op.create_index(
            "jobs_handed_over",
            ["id"],
            unique=False,
            sqlite_where=sa.text("status = 'queued' AND portion IS NOT NULL"),
            postgresql_where=sa.text("status = 'queued' AND portion IS NOT NULL"),
        )
        batch_op.create_index(
            "jobs_waiting",
            ["id"],
            unique=False,
            sqlite_where=sa.text("status = 'queued'"),
            postgresql_where=sa.text("status = 'queued'"),
        )
        batch_op.create_index(
            "jobs_running",
            ["id"],
            unique=False,
            sqlite_where=sa.text("status = 'running'"),
            postgresql_where=sa.text("status = 'running'"),
        )

    op.create_table(
        "batch_items",
        sa.Column("batch_id", sa.String(length=40), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("cancelled", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name=op.f("fk_batch_items_batch_id_batches"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_batch_items_job_id_jobs")),
        sa.PrimaryKeyConstraint("batch_id", "index", name=op.f("pk_batch_items")),
    )
    with op.batch_alter_table("batch_items", schema=None) as batch_op:
        batch_op.create_index("batch_items_by_job", ["job_id"], unique=False)

    op.create_table(
        "job_calls",
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("call_key", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("answers", Json, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_calls_job_id_jobs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "call_key", name=op.f("pk_job_calls")),
        comment="Answered model calls of jobs that are not finished: what is here is never paid for again.",
    )
