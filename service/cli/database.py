"""The database, and the examples in it, for commands that need no model."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from service.cli.terminal import working

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from retrievers import Examples, ExampleStore
    from service.settings import Settings


@contextmanager
def opened_engine(settings: Settings) -> Iterator[Engine]:
    """The database with its tables, made when they are not there; works beside a running server of this version.

    Raises:
        ConfigurationError: It cannot be opened, or belongs to a running server of an older version.
    """
    from service.storage.engine import open_engine
    from service.storage.home import make_home
    from service.storage.migrate import migrate_beside

    make_home(settings.home)
    engine = open_engine(settings.database_url, pool_size=1)
    try:
        migrate_beside(engine, settings.home if settings.needs_home_lock else None)
        yield engine
    finally:
        engine.dispose()


@contextmanager
def opened_store(settings: Settings) -> Iterator[ExampleStore]:
    """The example store, with the shipped examples in it; without an index.

    Raises:
        ConfigurationError: There is no such database.
    """
    from retrievers.shipped import seed
    from retrievers.store import ExampleStore

    with opened_engine(settings) as engine:
        store = ExampleStore(engine)
        seed(store)
        yield store


@contextmanager
def opened_examples(settings: Settings) -> Iterator[Examples]:
    """The examples with their index, which is built in memory beside a running server, whose files are its own.

    Raises:
        ConfigurationError: The database, the embeddings or the Chroma server cannot be used.
    """
    from retrievers import open_examples

    with opened_engine(settings) as engine, working("Opening the examples …"):
        examples = open_examples(engine=engine, chroma=settings.chroma_url, embeddings=settings.embeddings)
        try:
            yield examples
        finally:
            examples.close()
