"""Inserting where a row may be there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.engine import Connection, Engine


def insert_into(table: Table, database: Engine | Connection) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say what happens on a conflict, as the database's dialect has it."""
    return sqlite.insert(table) if database.dialect.name == "sqlite" else postgresql.insert(table)
