"""Keeps riddles with the articles they were made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from langchain_core.utils.uuid import uuid7
from sqlalchemy import Select, or_, select

from domain.errors import NotFound
from service.storage.page import Page, decode_cursor, page_of
from service.storage.riddle_rows import (
    RIDDLE_AND_ARTICLE,
    StoredRiddle,
    article_row,
    riddle_row,
    storable_riddle,
    stored_riddle,
)
from service.storage.scope import EVERYTHING, readable
from service.storage.tables import articles, riddles
from service.storage.upsert import insert_into
from service.storage.writer import Writer

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

    from domain import Riddle
    from domain.riddle import Status
    from service.storage.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class RiddleFilter:
    """Which riddles to list; what is None does not matter.

    Args:
        day: UTC date as YYYY-MM-DD.
        source: The article's source, exactly.
        pipeline: Name of the pipeline, exactly.
        status: `published` or `needs_review`.
        q: Text that stands in the title, the riddle or the summary, in any case.
        spoilers: Whether `q` looks into the summary: not for those who may not see it, who could guess their way.
        scope: Only riddles that these callers may read: those of their tenant, and of no tenant.
    """

    day: str | None = None
    source: str | None = None
    pipeline: str | None = None
    status: Status | None = None
    q: str | None = None
    spoilers: bool = True
    scope: Scope = EVERYTHING


Also = Callable[["Connection", StoredRiddle], None]
"""More work in the transaction that keeps a riddle."""


class RiddleRepository:
    """Riddles in SQL. Synchronous but for `asave`: call it from a worker thread, one hop a transaction.

    Args:
        engine: From `open_engine`.
        writer: Of that engine; closed by whoever made it. `asave` makes one of its own unless given.
    """

    def __init__(self, engine: Engine, writer: Writer | None = None) -> None:
        self._engine = engine
        self._writer = writer or Writer(engine)
        self._keep_article = insert_into(articles, engine).on_conflict_do_nothing()
        self._insert = riddles.insert()

    def save(
        self,
        riddle: Riddle,
        *,
        key_id: str | None = None,
        tenant: str | None = None,
        also: Also | None = None,
    ) -> StoredRiddle:
        """Keep a riddle and its article, on the disk when this returns.

        Args:
            riddle: What a pipeline made.
            key_id: Of the API key that asked for it.
            tenant: Of that key.
            also: Does more in the same transaction, such as keeping the answer of an `Idempotency-Key`: both or none.
        """
        write = self._saving(riddle, key_id, tenant, also)
        with self._engine.begin() as connection:
            return write(connection)

    async def asave(
        self,
        riddle: Riddle,
        *,
        key_id: str | None = None,
        tenant: str | None = None,
        also: Also | None = None,
    ) -> StoredRiddle:
        """The same from the event loop, through the writer: riddles that come at once share a transaction.

        `also` may be called again when another riddle of the transaction failed: let it change only the database.
        """
        return await self._writer.write(self._saving(riddle, key_id, tenant, also))

    def _saving(
        self, riddle: Riddle, key_id: str | None, tenant: str | None, also: Also | None
    ) -> Callable[[Connection], StoredRiddle]:
        now = datetime.now(UTC)
        stored = StoredRiddle(
            id=f"rid_{uuid7().hex}", created_at=now, riddle=storable_riddle(riddle), key_id=key_id, tenant=tenant
        )
        article_values = article_row(stored.riddle.article, now)
        riddle_values = riddle_row(stored, article_values["id"])

        def write(connection: Connection) -> StoredRiddle:
            connection.execute(self._keep_article, article_values)
            connection.execute(self._insert, riddle_values)
            if also is not None:
                also(connection, stored)
            return stored

        return write

    def get(self, riddle_id: str, *, scope: Scope = EVERYTHING) -> StoredRiddle:
        """The riddle of that id.

        Raises:
            NotFound: There is none, or none that may be read in the scope.
        """
        query = _restrict(_SELECT.where(riddles.c.id == riddle_id), RiddleFilter(scope=scope))
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotFound("riddle", riddle_id)
        return stored_riddle(row)

    def list(
        self, filters: RiddleFilter = RiddleFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[StoredRiddle]:
        """A page of riddles, newest first.

        Args:
            filters: Which ones.
            limit: At most so many.
            cursor: `next_cursor` of the page before; riddles made since then do not shift the pages.

        Raises:
            InvalidCursor: The cursor is not one of ours.
        """
        query = _restrict(_SELECT, filters).order_by(riddles.c.id.desc()).limit(limit + 1)
        if cursor is not None:
            query = query.where(riddles.c.id < decode_cursor(cursor))
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return page_of(rows, limit, stored_riddle)


_SELECT = select(*RIDDLE_AND_ARTICLE).join_from(riddles, articles)


def _restrict(query: Select[Any], filters: RiddleFilter) -> Select[Any]:
    for column, value in (
        (riddles.c.day, filters.day),
        (riddles.c.source, filters.source),
        (riddles.c.pipeline, filters.pipeline),
        (riddles.c.status, filters.status),
    ):
        if value is not None:
            query = query.where(column == value)
    query = query.where(readable(filters.scope, riddles))
    if filters.q:
        searched = (articles.c.title, riddles.c.riddle, *((riddles.c.summary,) if filters.spoilers else ()))
        query = query.where(or_(*(column.icontains(filters.q, autoescape=True) for column in searched)))
    return query


__all__ = ["Also", "RiddleFilter", "RiddleRepository", "StoredRiddle"]
