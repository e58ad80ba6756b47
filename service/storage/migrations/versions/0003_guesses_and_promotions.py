"""Guesses, how far readers have come, feedback, counts, and riddles on their way to become examples."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.storage.types import Json, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feedback",
        sa.Column("riddle_id", sa.String(length=40), nullable=False),
        sa.Column("reader", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("rating", sa.SmallInteger(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.CheckConstraint("rating IN (-1, 1)", name=op.f("ck_feedback_rating")),
        sa.ForeignKeyConstraint(["riddle_id"], ["riddles.id"], name=op.f("fk_feedback_riddle_id_riddles")),
        sa.PrimaryKeyConstraint("riddle_id", "reader", name=op.f("pk_feedback")),
    )
    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.create_index("feedback_by_riddle", ["riddle_id", "id"], unique=False)

    op.create_table(
        "guesses",
        sa.Column("riddle_id", sa.String(length=40), nullable=False),
        sa.Column("reader", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("correct", sa.Boolean(), nullable=False),
        sa.Column("near", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("hint", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["riddle_id"], ["riddles.id"], name=op.f("fk_guesses_riddle_id_riddles")),
        sa.PrimaryKeyConstraint("riddle_id", "reader", "fingerprint", name=op.f("pk_guesses")),
    )
    op.create_table(
        "promotions",
        sa.Column("riddle_id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=100), nullable=False),
        sa.Column("example_id", sa.String(length=64), nullable=False),
        sa.Column("content", Json, nullable=True),
        sa.Column("pipeline", sa.String(length=100), nullable=False),
        sa.Column("steps", Json, nullable=False),
        sa.Column("promoted_by", sa.String(length=40), nullable=False),
        sa.Column("promoted_at", UtcDateTime, nullable=False),
        sa.Column("approved_by", sa.String(length=40), nullable=True),
        sa.Column("approved_at", UtcDateTime, nullable=True),
        sa.ForeignKeyConstraint(["riddle_id"], ["riddles.id"], name=op.f("fk_promotions_riddle_id_riddles")),
        sa.PrimaryKeyConstraint("riddle_id", "tenant", name=op.f("pk_promotions")),
    )
    with op.batch_alter_table("promotions", schema=None) as batch_op:
        batch_op.create_index("promotions_by_example", ["example_id"], unique=False)

    op.create_table(
        "reader_progress",
        sa.Column("riddle_id", sa.String(length=40), nullable=False),
        sa.Column("reader", sa.String(length=64), nullable=False),
        sa.Column("guesses", sa.Integer(), nullable=False),
        sa.Column("hints", sa.Integer(), nullable=False),
        sa.Column("solved_at", UtcDateTime, nullable=True),
        sa.Column("revealed_at", UtcDateTime, nullable=True),
        sa.ForeignKeyConstraint(["riddle_id"], ["riddles.id"], name=op.f("fk_reader_progress_riddle_id_riddles")),
        sa.PrimaryKeyConstraint("riddle_id", "reader", name=op.f("pk_reader_progress")),
    )
    op.create_table(
        "riddle_tallies",
        sa.Column("riddle_id", sa.String(length=40), nullable=False),
        sa.Column("solved_by", sa.Integer(), nullable=False),
        sa.Column("up", sa.Integer(), nullable=False),
        sa.Column("down", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["riddle_id"], ["riddles.id"], name=op.f("fk_riddle_tallies_riddle_id_riddles")),
        sa.PrimaryKeyConstraint("riddle_id", name=op.f("pk_riddle_tallies")),
    )
