"""Run by Alembic, on the connection that `service.storage.migrate` (or a test) hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from service.storage import feed_tables  # noqa: F401 -- its tables are of the same metadata
from service.storage.tables import metadata
from service.storage.types import Json, UtcDateTime


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our own column types by the names that `script.py.mako` imports."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "UtcDateTime"
    return "Json" if kind == "type" and item is Json else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    render_as_batch=True,  # SQLite cannot ALTER much
    render_item=render_item,
)
context.run_migrations()
