"""The answers of Idempotency-Keys know their batch."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from service.storage.types import Json

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_LOCATION: Final = "/v1/batches/"


def upgrade() -> None:
    _idempotency()


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
