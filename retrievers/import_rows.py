"""An import against the rows: what the store has of it already, and the writing of what was planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from domain.errors import InvalidExample
from domain.example import Example
from retrievers.importing import ImportPlan, Known, Rejected, free_id
from retrievers.rows import batched, bury, check_lengths, count_up, insert_examples, unbury, update_examples
from retrievers.tables import examples

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection


def plan_import(connection: Connection, records: Sequence[tuple[int, Example]]) -> ImportPlan:
    """What importing these records, given with their line numbers, has to write; reads only."""
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


def write_import(connection: Connection, plan: ImportPlan, revision: int) -> None:
    """Write what was planned, as that revision; nothing where nothing changes.

    The transaction must hold the store's counter: see `RevisionedStore.writing`.
    """
    if not plan.added and not plan.updated:
        return
    update_examples(connection, plan.updated, revision)
    insert_examples(connection, plan.added, revision)
    bury(connection, plan.released, revision)
    unbury(connection, [example.content_hash for example in (*plan.updated, *plan.added)])
    count_up(connection, revision)


def usable_records(
    records: Iterable[Example | tuple[int, Example]],
) -> tuple[list[tuple[int, Example]], list[Rejected]]:
    """Those that fit into the store, with their line numbers (counted from 1 where none is given), and the others."""
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
