"""Whether the database takes writes: a full disk and a read-only one still answer every question."""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, event, insert
from sqlalchemy.exc import SQLAlchemyError

from service.storage.tables import idempotency

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Engine, ExceptionContext

TRY_EVERY_S: Final = 2.0
"""Between two tries whether a database that refused a write takes one again."""

_SIZE: Final = 32 * 1024
"""Bytes of such a try: about a long article with its riddle."""
_OWNER: Final = "readiness"
_SQLITE: Final = {sqlite3.SQLITE_FULL: "its disk is full", sqlite3.SQLITE_READONLY: "it is read-only"}
_POSTGRES: Final = {"53100": "its disk is full", "25006": "it is read-only"}


def is_full(error: BaseException | None) -> bool:
    """Whether a driver's error says that there is no room left."""
    return refusal(error) == "its disk is full"


def refusal(error: BaseException | None) -> str | None:
    """Why a driver's error says that nothing can be written; None when it says something else.

    SQLite has error codes (https://sqlite.org/rescode.html), PostgreSQL has SQLSTATEs (its manual, appendix A).
    """
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return _SQLITE.get(code & 0xFF)
    return _POSTGRES.get(getattr(error, "sqlstate", None) or "")


class RefusedWrites:
    """Remembers that a write was refused, until one of the usual size is taken.

    As long as nothing was refused it costs nothing: real writes are what tells. Safe in threads.

    Args:
        engine: The database.
        clock: Seconds that never go back; tests pass their own.
    """

    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._reason: str | None = None
        self._tried_at = 0.0
        self._trying = threading.Lock()
        event.listen(engine, "handle_error", self._hear)

    def reason(self) -> str | None:
        """Why writes are refused; None when they are not. After a refusal it tries a write now and then. Blocks."""
        if self._reason is not None and self._clock() >= self._tried_at + TRY_EVERY_S:
            self._try_alone()
        return self._reason

    def _hear(self, context: ExceptionContext) -> None:
        found = refusal(context.original_exception)
        if found is not None:
            self._reason, self._tried_at = found, self._clock()

    def _try_alone(self) -> None:
        if not self._trying.acquire(blocking=False):
            return
        try:
            self._tried_at = self._clock()
            self._write()
        except SQLAlchemyError:  # it still does; `_hear` was told
            return
        finally:
            self._trying.release()
        self._reason = None

    def _write(self) -> None:
        """Keep something and forget it again; what is left by a process that dies here is purged like old keys."""
        now, token = datetime.now(UTC), uuid.uuid4().hex
        row = {"owner": _OWNER, "key": token, "token": token, "body_hash": "", "expires_at": now, "body": bytes(_SIZE)}
        with self._engine.begin() as connection:
            connection.execute(insert(idempotency).values(row))
        with self._engine.begin() as connection:
            mine = (idempotency.c.owner == _OWNER) & (idempotency.c.key == token)
            connection.execute(delete(idempotency).where(mine))
