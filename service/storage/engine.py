"""Opens the database by its URL. `engine.begin()` is for writes, `connect()` for reads; `sqlite.py` says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from domain.errors import ConfigurationError
from service.storage.sqlite import open_sqlite

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

_POSTGRES_NAMES = ("postgres", "postgresql", "postgresql+psycopg")
_SQLITE_NAMES = ("sqlite", "sqlite+pysqlite")


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
    except (ArgumentError, ValueError):
        raise BadDatabaseUrl("(hidden, it may hold a password)", "cannot be read") from None
    if parsed.drivername in _POSTGRES_NAMES:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in _SQLITE_NAMES:
        raise BadDatabaseUrl(parsed.render_as_string(), "is of a kind that is not supported")
    if not parsed.database or parsed.database == ":memory:":
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
        HomeNotWritable: The folder of the SQLite file cannot be made or written.
    """
    parsed = parse_url(url)
    options: dict[str, Any] = {
        "json_serializer": _to_json,
        "json_deserializer": orjson.loads,
        "pool_size": pool_size,
        "max_overflow": pool_size,
        "hide_parameters": True,  # errors are logged, articles are not
    }
    if parsed.get_backend_name() == "sqlite":
        return open_sqlite(parsed, options)
    connect_args = {"connect_timeout": 10, "application_name": "riddlewire"}
    return create_engine(parsed, pool_pre_ping=True, connect_args=connect_args, **options)


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()
