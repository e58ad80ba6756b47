"""Kept answers know their batch, batches how their items ended, and items the article that was sent."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from service.storage.types import Json, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_LOCATION: Final = "/v1/batches/"
_ENDS: Final = ("published", "needs_review", "failed", "cancelled")


def upgrade() -> None:
    _idempotency()
    _batches()
    _items()


def _idempotency() -> None:
    """Answers that tell of a batch are found by their Location, for some of those batches may still be open."""
    op.add_column("idempotency", sa.Column("batch_id", sa.String(length=40), nullable=True))
    kept = sa.table("idempotency", *map(sa.column, ("owner", "key", "batch_id")), sa.column("headers", Json))
    connection = op.get_bind()
    rows = connection.execute(sa.select(kept.c.owner, kept.c.key, kept.c.headers).where(kept.c.headers.is_not(None)))
    for row in rows.all():
        if (batch_id := _batch_of(row.headers)) is not None:
            mine = sa.and_(kept.c.owner == row.owner, kept.c.key == row.key)
            connection.execute(sa.update(kept).where(mine).values(batch_id=batch_id))


def _batch_of(headers: dict[str, Any] | None) -> str | None:
    location = str((headers or {}).get("Location", ""))
    return location.removeprefix(_LOCATION) if location.startswith(_LOCATION) else None


def _batches() -> None:
    for name in (*_ENDS, "worked"):
        op.add_column("batches", sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("batches", sa.Column("began_at", UtcDateTime, nullable=True))
    _count_ends()
    op.execute("UPDATE jobs SET error = NULL WHERE status <> 'failed'")  # some held JSON's null


def _count_ends() -> None:
    batches = sa.table("batches", *map(sa.column, ("id", *_ENDS)))
    items = sa.table("batch_items", sa.column("batch_id"), sa.column("job_id"), sa.column("cancelled", sa.Boolean))
    jobs = sa.table("jobs", sa.column("id"), sa.column("status"))
    status = sa.case((items.c.cancelled, "cancelled"), else_=jobs.c.status)
    counted = sa.select(items.c.batch_id, status.label("status"), sa.func.count().label("items"))
    joined = counted.select_from(items.join(jobs, jobs.c.id == items.c.job_id)).where(status.in_(_ENDS))
    connection = op.get_bind()
    for row in connection.execute(joined.group_by(items.c.batch_id, status)).all():
        mine = batches.c.id == row.batch_id
        connection.execute(sa.update(batches).where(mine).values({row.status: row.items}))


def _items() -> None:
    """In SQL of both databases: Alembic would have SQLite copy the table for a column that refers to another one."""
    op.execute("ALTER TABLE batch_items ADD COLUMN article_id VARCHAR(40) REFERENCES articles (id)")
