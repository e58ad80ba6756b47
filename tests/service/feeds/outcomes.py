"""What stands in the database after pulls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from service.storage.feed_tables import feed_entries

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


def outcomes(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(select(feed_entries.c.outcome).order_by(feed_entries.c.id)).scalars())
