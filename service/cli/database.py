"""The database alone, for commands that need neither index nor model."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from service.settings import Settings


@contextmanager
def opened_engine(settings: Settings) -> Iterator[Engine]:
    """The database with its tables, made when they are not there; works beside a running server.

    Raises:
        ConfigurationError: It cannot be opened.
    """
    from service.storage.engine import open_engine
    from service.storage.home import make_home
    from service.storage.migrate import migrate

    make_home(settings.home)
    engine = open_engine(settings.database_url, pool_size=1)
    try:
        migrate(engine)
        yield engine
    finally:
        engine.dispose()
