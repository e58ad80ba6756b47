"""SQLite set up so that what was answered is on the disk and writers never fight.

`engine.begin()` is a write: it waits its turn on a lock of this process and then says BEGIN IMMEDIATE, so that threads
queue instead of polling, and a transaction that reads before it writes cannot fail half way.
`engine.connect()` is a read: a snapshot that waits for nobody (WAL).
"""

from __future__ import annotations

import copy
import sqlite3
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Engine
from tenacity import retry, retry_if_exception, stop_after_delay, wait_random

from service.storage.home import make_home

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy.engine import URL, Connection
    from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_MS = 10_000
"""How long SQLite waits for another process (the command line beside the server) before it gives up."""


KNOWS_SUBSEC = (3, 42)
"""SQLite's version from which `unixepoch('subsec')` is the time in milliseconds; before, it is nothing."""


class SqliteDialect(SQLiteDialect_pysqlite):
    """Begins transactions itself, since Python's driver would begin them late and never IMMEDIATE."""

    supports_statement_cache = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._thread = threading.local()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Transactions that this thread begins inside the block are writes."""
        self._thread.writes = True
        try:
            yield
        finally:
            self._thread.writes = False

    def do_begin(self, dbapi_connection: Any) -> None:
        """Begin a read that sees a snapshot, or a write that has the only pen from its start."""
        writes = getattr(self._thread, "writes", False)
        dbapi_connection.driver_connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")


class WritingDialect(SqliteDialect):
    """Every transaction is a write that waits its turn, also one that begins with `connect()`.

    Args:
        turn: The lock that writers of the database take turns on.
    """

    supports_statement_cache = True
    turn: threading.RLock

    def do_begin(self, dbapi_connection: Any) -> None:
        """Wait for the turn, then for the pen."""
        self.turn.acquire()
        self._thread.turns = getattr(self._thread, "turns", 0) + 1
        try:
            dbapi_connection.driver_connection.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._pass_on()
            raise

    def do_commit(self, dbapi_connection: Any) -> None:
        """Commit, and let the next one write."""
        try:
            super().do_commit(dbapi_connection)  # type: ignore[no-untyped-call]  # of SQLAlchemy
        finally:
            self._pass_on()

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Roll back, and let the next one write."""
        try:
            super().do_rollback(dbapi_connection)  # type: ignore[no-untyped-call]  # of SQLAlchemy
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        if getattr(self._thread, "turns", 0):
            self._thread.turns -= 1
            self.turn.release()


class SqliteEngine(Engine):
    """An engine whose `begin()` is a write transaction; writers of this process take turns."""

    dialect: SqliteDialect
    _turn: threading.RLock

    def for_writers(self) -> Engine:
        """The same database for a library that writes in transactions it began to read in, which SQLite would refuse.

        It shares the pool and the turns, so the library and we never fight for the lock.
        """
        with self.connect():  # the dialect knows its version after the first connection
            dialect = copy.copy(self.dialect)
        dialect.__class__ = WritingDialect
        writing: Any = dialect
        writing.turn = self._turn
        return Engine(self.pool, writing, self.url, hide_parameters=True)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A write transaction: committed, and on the disk, when the block ends without an error."""
        with self._turn, self.connect() as connection:
            with self.dialect.writing():
                transaction = connection.begin()
            with transaction:
                yield connection


def open_sqlite(url: URL, options: Mapping[str, Any]) -> SqliteEngine:
    """Open the file of `url`; its folder is made when it is not there.

    Args:
        url: Names a file.
        options: For `create_engine`.

    Raises:
        HomeNotWritable: The folder cannot be made or written.
    """
    make_home(Path(str(url.database)).absolute().parent)
    registry.register("sqlite.riddlewire", __name__, SqliteDialect.__name__)
    plain = create_engine(url.set(drivername="sqlite+riddlewire"), **options)
    engine = SqliteEngine(plain.pool, plain.dialect, url, hide_parameters=True)
    engine._turn = threading.RLock()  # noqa: SLF001 -- our own class, whose parent's constructor SQLAlchemy owns
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(dbapi_connection: Any, _record: ConnectionPoolEntry) -> None:
    dbapi_connection.isolation_level = None  # the driver begins nothing by itself: do_begin does
    dbapi_connection.create_function("lower", 1, _lower, deterministic=True)
    if sqlite3.sqlite_version_info < KNOWS_SUBSEC:
        dbapi_connection.create_function("unixepoch", 1, _unixepoch)
    cursor = dbapi_connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    _switch_to_wal(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


@retry(
    retry=retry_if_exception(_is_busy),
    stop=stop_after_delay(BUSY_TIMEOUT_MS / 1e3),
    wait=wait_random(0.005, 0.05),
    reraise=True,
)
def _switch_to_wal(cursor: Any) -> None:
    """Where several open a new file at once, SQLite refuses the switch to all but one and does not wait by itself."""
    cursor.execute("PRAGMA journal_mode=WAL")


def _unixepoch(when: str) -> float:
    """`unixepoch` of one argument as a newer SQLite knows it.

    DBOS takes every Python from 3.12 on to have such a SQLite; Debian 12 has none.
    """
    now = time.time()
    match when:
        case "subsec" | "subsecond":
            return int(now * 1000) / 1000
        case "now":
            return int(now)
    raise ValueError(f"unixepoch of {when!r}")


def _lower(text: str | None) -> str | None:
    """SQLite's own lower() knows ASCII only; a search for 'öl' must find 'Öl' as it does on PostgreSQL."""
    return None if text is None else text.lower()
