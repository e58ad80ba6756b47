"""The pre-made examples in SQL: the truth that every index is derived from.

Every change gives the store a higher revision, and content that is gone leaves a tombstone, so any process can tell
with one small query whether its index is up to date and with two more what to change in it.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from domain.errors import InvalidExample
from domain.example import Example
from retrievers.cursors import decode_cursor, encode_cursor
from retrievers.importing import ImportPlan, ImportReport, Known, Rejected, free_id
from retrievers.rows import (
    batched,
    bury,
    check_lengths,
    count_up,
    example_of,
    insert_examples,
    pair_of,
    refuse_twin,
    require,
    unbury,
    update_examples,
    visible_to,
)
from retrievers.tables import STORE_TABLES, example_tombstones, examples, metadata, revisions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Engine

MAX_PAGE = 500
"""Most examples in one page of a list."""

_REVISION = "SELECT value FROM revisions WHERE name = 'examples'"


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list; `next_cursor` is opaque and None at the end."""

    items: tuple[Example, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What happened since a revision.

    Args:
        revision: The revision these changes lead to, or an earlier one: applying them twice does no harm.
        current: Content hash and tenant of what was added or changed and is there now.
        gone: Content hash and tenant of what is no more.
    """

    revision: int
    current: tuple[tuple[str, str | None], ...]
    gone: tuple[tuple[str, str | None], ...]


class ExampleStore:
    """Examples in SQLite or PostgreSQL. Methods block: in a coroutine, call them in a thread.

    Wherever a `tenant` is asked for, it sees its own examples and everybody's; None sees everybody's only.

    Args:
        engine: With the tables of `retrievers.tables` in it; see `create_tables`.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._id: str | None = None

    # ------------------------------------------------------------------ set-up and revision
    def create_tables(self) -> None:
        """Create the tables that are missing, for those who run no migrations."""
        metadata.create_all(self.engine, tables=STORE_TABLES)

    @property
    def id(self) -> str:
        """Random and fixed for this database: keeps the indexes of several stores in one Chroma server apart."""
        if self._id is None:
            self._id = self._read_or_create_id()
        return self._id

    def _read_or_create_id(self) -> str:
        known = select(revisions.c.store_id).where(revisions.c.name == "examples")
        with self.engine.connect() as connection:
            found = connection.execute(known).scalar()
        if found is not None:
            return str(found)
        store_id = uuid.uuid4().hex[:16]
        rows = [{"name": name, "value": 0, "store_id": store_id} for name in ("examples", "index")]
        try:
            with self.engine.begin() as connection:
                connection.execute(insert(revisions), rows)
        except IntegrityError:  # another process was faster
            return self._read_or_create_id()
        return store_id

    def revision(self) -> int:
        """Grows with every change. Made to be asked before each selection: past SQLAlchemy, 20 microseconds on SQLite.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: The database does not answer.
        """
        assert self.engine.dialect.loaded_dbapi is not None
        try:
            return self._revision_from_driver()
        except self.engine.dialect.loaded_dbapi.Error:  # a connection was cut, or its error is the driver's own
            with self.engine.connect() as connection:
                row = connection.exec_driver_sql(_REVISION).first()
            return int(row[0]) if row else 0

    def _revision_from_driver(self) -> int:
        connection = self.engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(_REVISION)
            row = cursor.fetchone()
            cursor.close()
        finally:
            connection.close()
        return int(row[0]) if row else 0

    def changes_since(self, revision: int) -> Changes:
        """What an index built at `revision` has to do; since 0, `current` is everything."""
        now = self.revision()
        table, tombs = examples, example_tombstones
        with self.engine.connect() as connection:
            current = connection.execute(
                select(table.c.content_hash, table.c.tenant).where(table.c.revision > revision)
            ).all()
            gone = connection.execute(
                select(tombs.c.content_hash, tombs.c.tenant).where(tombs.c.revision > revision)
            ).all()
        return Changes(
            revision=now, current=tuple(pair_of(row) for row in current), gone=tuple(pair_of(row) for row in gone)
        )

    def index_lock(self, *, patience_s: float | None = None) -> AbstractContextManager[Any]:
        """Held by the one process that updates a shared index; on SQLite there is only one process.

        Args:
            patience_s: How long to wait; None waits as long as it takes.

        Raises:
            sqlalchemy.exc.OperationalError: Another process held it for too long.
        """
        if self.engine.dialect.name == "sqlite":
            return nullcontext()
        return self._row_lock(patience_s)

    @contextmanager
    def _row_lock(self, patience_s: float | None) -> Iterator[None]:
        with self.engine.begin() as connection:
            if patience_s is not None:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(patience_s * 1000)}")
            connection.execute(select(revisions.c.value).where(revisions.c.name == "index").with_for_update())
            yield

    # ------------------------------------------------------------------ reading
    def get(self, example_id: str) -> Example:
        """The example of that id.

        Raises:
            NotFound: There is none.
        """
        with self.engine.connect() as connection:
            return example_of(require(connection, example_id))

    def by_hashes(self, hashes: Sequence[str]) -> dict[str, Example]:
        """The examples with these content hashes; those that are no more are missing from the answer."""
        found: dict[str, Example] = {}
        with self.engine.connect() as connection:
            for batch in batched(hashes):
                rows = connection.execute(select(examples).where(examples.c.content_hash.in_(batch)))
                found.update((row.content_hash, example_of(row)) for row in rows)
        return found

    def list(
        self,
        limit: int = 50,
        cursor: str | None = None,
        topic: str | None = None,
        tenant: str | None = None,
        *,
        all_tenants: bool = False,
    ) -> Page:
        """A page of examples, newest first.

        Args:
            limit: At most so many, 1 to 500.
            cursor: `next_cursor` of the page before.
            topic: Only this topic.
            tenant: With whose eyes.
            all_tenants: The operator's view.

        Raises:
            InvalidInput: The cursor is none of ours.
        """
        limit = max(1, min(limit, MAX_PAGE))
        query = select(examples).order_by(examples.c.added.desc(), examples.c.id.desc()).limit(limit + 1)
        if not all_tenants:
            query = query.where(visible_to(tenant))
        if topic is not None:
            query = query.where(examples.c.topic == topic)
        if cursor is not None:
            query = query.where(tuple_(examples.c.added, examples.c.id) < decode_cursor(cursor))
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
        more = len(rows) > limit
        last = rows[limit - 1] if more else None
        return Page(
            items=tuple(example_of(row) for row in rows[:limit]),
            next_cursor=encode_cursor(last.added, last.id) if last else None,
        )

    def export(self, tenant: str | None = None, *, all_tenants: bool = False) -> Iterator[Example]:
        """Everything the tenant sees, newest first, read page by page: changes may happen meanwhile."""
        cursor: str | None = None
        while True:
            page = self.list(MAX_PAGE, cursor, tenant=tenant, all_tenants=all_tenants)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def count(self, tenant: str | None = None, *, all_tenants: bool = True) -> int:
        """How many there are; of all tenants unless told otherwise."""
        query = select(func.count()).select_from(examples)
        if not all_tenants:
            query = query.where(visible_to(tenant))
        with self.engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    # ------------------------------------------------------------------ writing
    def add(self, example: Example) -> Example:
        """Keep an example; one of the same content is left as it is and returned instead.

        Raises:
            InvalidExample: A field is too long.
        """
        check_lengths(example)
        with self.writing() as (connection, revision):
            plan = _plan(connection, [(1, replace(example, id=""))])
            _execute(connection, plan, revision)
            query = select(examples).where(examples.c.content_hash == example.content_hash)
            return example_of(connection.execute(query).one())

    def update(self, example_id: str, example: Example) -> Example:
        """Put new content under an id; its origin stays.

        Raises:
            NotFound: There is no such example.
            InvalidExample: A field is too long, or another example has this content.
        """
        check_lengths(example)
        with self.writing() as (connection, revision):
            old = example_of(require(connection, example_id))
            new = replace(example, id=example_id, origin=old.origin)
            if new.content_hash != old.content_hash:
                refuse_twin(connection, new)
                update_examples(connection, [new], revision)
                bury(connection, {old.content_hash: old.tenant}, revision)
                unbury(connection, [new.content_hash])
                count_up(connection, revision)
            return new

    def remove(self, example_id: str) -> None:
        """Forget an example; a shipped one does not come back with the next start.

        Raises:
            NotFound: There is no such example.
        """
        with self.writing() as (connection, revision):
            row = require(connection, example_id)
            connection.execute(delete(examples).where(examples.c.id == example_id))
            bury(connection, {row.content_hash: row.tenant}, revision)
            count_up(connection, revision)

    def import_(
        self, records: Iterable[Example | tuple[int, Example]], *, rejected: Iterable[Rejected] = ()
    ) -> ImportReport:
        """Add what is new, update what carries a known id, leave the rest; twice the same changes nothing.

        Args:
            records: Examples, or pairs of line number and example; without numbers they are counted from 1.
            rejected: What the reader of the file refused already, for the report.
        """
        good, bad = _checked(records)
        with self.writing() as (connection, revision):
            plan = _plan(connection, good)
            plan.rejected += [*rejected, *bad]
            _execute(connection, plan, revision)
        return plan.report()

    @contextmanager
    def writing(self) -> Iterator[tuple[Connection, int]]:
        """A transaction no other writer overlaps, with the revision its changes will get."""
        _ = self.id
        counter = update(revisions).where(revisions.c.name == "examples").values(value=revisions.c.value)
        with self.engine.begin() as connection:
            yield connection, connection.execute(counter.returning(revisions.c.value)).scalar_one() + 1


def _plan(connection: Connection, records: Sequence[tuple[int, Example]]) -> ImportPlan:
    ids = {example.id for _, example in records if example.id}
    hashes = {example.content_hash for _, example in records}
    ids |= {free_id(content_hash, ()) for content_hash in hashes}
    plan = ImportPlan({}, {})
    for column, wanted in ((examples.c.id, ids), (examples.c.content_hash, hashes)):
        for batch in batched(wanted):
            query = select(examples.c.id, examples.c.content_hash, examples.c.tenant).where(column.in_(batch))
            for row in connection.execute(query):
                plan.ids[row.id] = Known(row.content_hash, row.tenant)
                plan.owners[row.content_hash] = row.id
    plan.fill(records)
    return plan


def _execute(connection: Connection, plan: ImportPlan, revision: int) -> None:
    if not plan.added and not plan.updated:
        return
    update_examples(connection, plan.updated, revision)
    insert_examples(connection, plan.added, revision)
    bury(connection, plan.released, revision)
    unbury(connection, [example.content_hash for example in (*plan.updated, *plan.added)])
    count_up(connection, revision)


def _checked(
    records: Iterable[Example | tuple[int, Example]],
) -> tuple[list[tuple[int, Example]], list[Rejected]]:
    good: list[tuple[int, Example]] = []
    bad: list[Rejected] = []
    for position, record in enumerate(records, 1):
        line, example = (position, record) if isinstance(record, Example) else record
        try:
            check_lengths(example)
        except InvalidExample as error:
            bad.append(Rejected(line, str(error)))
        else:
            good.append((line, example))
    return good, bad
