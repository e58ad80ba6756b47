"""Brings a database to the schema this version needs, at start, whoever else starts at the same moment.

Forward only. A schema that is already right costs one query and does not import Alembic (0.9 s).
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select, table, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.sql import column

from domain.errors import ConfigurationError
from service.storage.home import HomeLock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.config import Config
    from sqlalchemy.engine import Connection, Engine

HEAD = "0009"
"""The newest file in `migrations/versions`; a test keeps the two equal."""

_ADVISORY_LOCK = 0x5249_4444_4C45  # 'RIDDLE': one process of a PostgreSQL database migrates, the others wait

_VERSION = table("alembic_version", column("version_num"))


class NewerDatabase(ConfigurationError):
    """The database was made by a later version of this program."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"the database has schema {revision!r} and this version knows schemas up to {HEAD!r}: update Riddlewire, "
            "or restore the copy of the data made before the update"
        )


class DatabaseUnreachable(ConfigurationError):
    """The database does not answer."""

    def __init__(self, shown_url: str, reason: str) -> None:
        super().__init__(f"cannot use the database {shown_url}: {reason}; check RIDDLEWIRE_DATABASE_URL")


def migrate(engine: Engine) -> None:
    """Bring the schema to HEAD; nothing happens when it is there.

    Raises:
        NewerDatabase: A later version of this program made the schema.
        DatabaseUnreachable: The database does not answer or refuses us.
    """
    with _reaching(engine):
        if current_revision(engine) == HEAD:
            return
        with engine.begin() as connection:
            _wait_for_others(connection)
            _upgrade(connection)


def migrate_beside(engine: Engine, home: Path | None) -> None:
    """The same for a command, which may be run beside a serving process: the schema of an older one is left alone.

    Args:
        engine: The database.
        home: The data folder that a serving process holds the lock of; None where no such lock is needed.

    Raises:
        HomeInUse: The schema is older, and a process serves from the folder.
        NewerDatabase: As `migrate`.
        DatabaseUnreachable: As `migrate`.
    """
    with _reaching(engine):
        alone = HomeLock(home) if home is not None and is_older(engine) else nullcontext()
    with alone:
        migrate(engine)


def is_older(engine: Engine) -> bool:
    """Whether the database has tables of an earlier version; an empty one has none.

    Raises:
        OperationalError: The database does not answer or refuses us.
    """
    revision = current_revision(engine)
    return revision is not None and revision < HEAD


def current_revision(engine: Engine) -> str | None:
    """The schema the database has; None for an empty database."""
    try:
        with engine.connect() as connection:
            return connection.execute(select(_VERSION.c.version_num)).scalar()
    except (OperationalError, ProgrammingError) as error:
        if _is_missing_table(error):
            return None
        raise


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for our packaged migrations on that connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


@contextmanager
def _reaching(engine: Engine) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        shown = engine.url.render_as_string(hide_password=True)
        raise DatabaseUnreachable(shown, str(error.orig).strip()) from error


def _wait_for_others(connection: Connection) -> None:
    """On SQLite BEGIN IMMEDIATE has done that already."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.util.exc import CommandError

    try:
        command.upgrade(alembic_config(connection), "head")
    except CommandError as error:
        raise NewerDatabase(_stored_revision(connection) or "unknown") from error


def _stored_revision(connection: Connection) -> str | None:
    return connection.execute(select(_VERSION.c.version_num)).scalar()


def _is_missing_table(error: OperationalError | ProgrammingError) -> bool:
    return "no such table" in str(error.orig) or getattr(error.orig, "sqlstate", None) == "42P01"
