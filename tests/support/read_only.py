"""A database that answers every question and takes no write, as after a failover."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.engine import Connection

_SWITCHES = {"sqlite": "PRAGMA query_only = {}", "postgresql": "SET TRANSACTION READ {}"}
_STATES = {"sqlite": {True: "1", False: "0"}, "postgresql": {True: "ONLY", False: "WRITE"}}


class Switch:
    """Makes a database read-only, and lets it be written again.

    Args:
        engine: Of it; others are not kept from writing.
    """

    def __init__(self, engine: Engine) -> None:
        self.is_on = False
        self._kind = engine.dialect.name
        self._engine = engine
        self.writes = 0
        event.listen(engine, "begin", self._begins)

    def _begins(self, connection: Connection) -> None:
        self.writes += 1
        driver: object = connection.connection.driver_connection
        driver.execute(_SWITCHES[self._kind].format(_STATES[self._kind][self.is_on]))  # type: ignore[attr-defined]

    def refused_write(self) -> DBAPIError:
        """What a write is told."""
        self.is_on = True
        with pytest.raises(DBAPIError) as told, self._engine.begin() as connection:
            connection.execute(text("DELETE FROM idempotency"))
        return told.value
