"""The pre-made examples in SQL: the truth that every index is derived from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, tuple_

from retrievers.cursors import decode_cursor, encode_cursor
from retrievers.import_rows import plan_import, usable_records, write_import
from retrievers.revisions import RevisionedStore
from retrievers.rows import (
    batched,
    bury,
    check_lengths,
    count_up,
    example_of,
    refuse_twin,
    require,
    unbury,
    update_examples,
    visible_to,
)
from retrievers.tables import STORE_TABLES, examples, metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from domain.example import Example
    from retrievers.importing import ImportReport, Rejected


MAX_PAGE = 500
"""Most examples in one page of a list."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list; `next_cursor` is opaque and None at the end."""

    items: tuple[Example, ...]
    next_cursor: str | None


class ExampleStore(RevisionedStore):
    """Examples in SQLite or PostgreSQL. Methods block: in a coroutine, call them in a thread.

    Wherever a `tenant` is asked for, it sees its own examples and everybody's; None sees everybody's only.

    Args:
        engine: With the tables of `retrievers.tables` in it; see `create_tables`.
    """

    def create_tables(self) -> None:
        """Create the tables that are missing, for those who run no migrations."""
        metadata.create_all(self.engine, tables=STORE_TABLES)

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
            plan = plan_import(connection, [(1, replace(example, id=""))])
            write_import(connection, plan, revision)
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
        good, bad = usable_records(records)
        with self.writing() as (connection, revision):
            plan = plan_import(connection, good)
            plan.rejected += [*rejected, *bad]
            write_import(connection, plan, revision)
        return plan.report()
