"""Opens the database. SQLite is set up so that what was answered is on the disk and writers never fight.

On SQLite `engine.begin()` is a write: it waits its turn on a lock of this process and then says BEGIN IMMEDIATE, so that
threads queue instead of polling, and a transaction that reads before it writes can not fail half way.
`engine.connect()` is a read: a snapshot that waits for nobody (WAL). On PostgreSQL both are what they always are.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError

from domain.errors import ConfigurationError
from service.storage.home import make_home

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection
    from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_MS = 10_000
"""How long SQLite waits for another process (the command line beside the server) before it gives up."""

_BEGIN = "riddlewire_begin"
_POSTGRES_NAMES = ("postgres", "postgresql", "postgresql+psycopg")


class BadDatabaseUrl(ConfigurationError):
    """RIDDLEWIRE_DATABASE_URL names no database we can use."""

    def __init__(self, shown: str, reason: str) -> None:
        super().__init__(
            f"database URL {shown!r} {reason}: set RIDDLEWIRE_DATABASE_URL to sqlite:///FILE or "
            "postgresql://USER:PASSWORD@HOST/NAME"
        )


def parse_url(url: str) -> URL:
    """Check a database URL and give it the driver we use.

    Raises:
        BadDatabaseUrl: Not a URL, another database, or SQLite without a file.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadDatabaseUrl("(hidden, it may hold a password)", "cannot be read") from None
    if parsed.drivername in _POSTGRES_NAMES:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise BadDatabaseUrl(parsed.render_as_string(), "is of a kind that is not supported")
    if parsed.database in (None, "", ":memory:"):
        raise BadDatabaseUrl(parsed.render_as_string(), "names no file")
    return parsed


def is_sqlite(url: str) -> bool:
    """Whether the URL names a SQLite file."""
    return parse_url(url).get_backend_name() == "sqlite"


def open_engine(url: str, *, pool_size: int = 10) -> Engine:
    """Open the database of `url`; nothing is connected before the first use.

    Args:
        url: `sqlite:///FILE` or `postgresql://...`.
        pool_size: Connections kept open; as many again are opened under load.

    Raises:
        BadDatabaseUrl: The URL names no database we can use.
    """
    parsed = parse_url(url)
    options: dict[str, Any] = {
        "json_serializer": _to_json,
        "json_deserializer": orjson.loads,
        "pool_size": pool_size,
        "max_overflow": pool_size,
        "hide_parameters": True,
    }
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed, options)
    connect_args = {"connect_timeout": 10, "application_name": "riddlewire"}
    return create_engine(parsed, pool_pre_ping=True, connect_args=connect_args, **options)


class SqliteEngine(Engine):
    """An engine whose `begin()` is a write transaction; writers of this process take turns."""

    _turn: threading.RLock

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A write transaction: committed, and on the disk, when the block ends without an error."""
        with self._turn, self.connect() as connection:
            connection = connection.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})  # noqa: PLW2901 -- same connection
            with connection.begin():
                yield connection


def _open_sqlite(url: URL, options: dict[str, Any]) -> SqliteEngine:
    make_home(Path(str(url.database)).absolute().parent)
    plain = create_engine(url, **options)
    engine = SqliteEngine(plain.pool, plain.dialect, url, hide_parameters=True)
    engine._turn = threading.RLock()  # noqa: SLF001 -- our own class, whose parent's constructor SQLAlchemy owns
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(dbapi_connection: Any, _record: ConnectionPoolEntry) -> None:
    dbapi_connection.isolation_level = None  # the driver begins nothing by itself: _begin_sqlite does
    dbapi_connection.create_function("lower", 1, _lower, deterministic=True)
    cursor = dbapi_connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


def _lower(text: str | None) -> str | None:
    """SQLite's own lower() knows ASCII only; a search for 'öl' must find 'Öl' as it does on PostgreSQL."""
    return None if text is None else text.lower()


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()
