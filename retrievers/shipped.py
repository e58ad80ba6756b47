"""The examples that come with the package, and how they get into a store and stay out of it.

The store remembers what the package gave. So a second start adds nothing; an example that somebody edited or removed is
left alone for good; one that a later release changed or withdrew follows the release as long as nobody touched it.
A shipped example is known by its headline, which a release therefore keeps when it improves the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

import orjson
from sqlalchemy import delete, insert, select

from domain.article import content_hash
from domain.example import Example
from retrievers.importing import ImportReport, free_id
from retrievers.rows import batched, bury, count_up, insert_examples, unbury, update_examples
from retrievers.tables import examples, shipped_examples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from retrievers.store import ExampleStore


def read_shipped() -> list[Example]:
    """All shipped examples, in the order of their file."""
    lines = files("retrievers").joinpath("data/examples.jsonl").read_bytes().splitlines()
    return [
        Example(**{**record, "hints": tuple(record["hints"])}, origin="shipped") for record in map(orjson.loads, lines)
    ]


def seed(store: ExampleStore, shipped: Sequence[Example] | None = None) -> ImportReport:
    """Bring the shipped examples into the store; costs two small queries when they are there already.

    Args:
        store: Where to.
        shipped: Other ones than the package's, for tests and other collections.
    """
    by_key = {_key(example): example for example in (read_shipped() if shipped is None else shipped)}
    with store.engine.connect() as connection:
        given = _given(connection)
    if {key: example.content_hash for key, example in by_key.items()} == {key: g.hash for key, g in given.items()}:
        return ImportReport(unchanged=len(by_key))
    with store.writing() as (connection, revision):
        seeding = _Seeding(_given(connection), _owners(connection))
        seeding.plan(by_key)
        seeding.write(connection, revision)
    return ImportReport(
        added=len(seeding.added),
        updated=len(seeding.updated),
        unchanged=len(by_key) - len(seeding.added) - len(seeding.updated),
    )


class _Given(NamedTuple):
    """What the package gave under a key."""

    example_id: str
    hash: str


@dataclass(slots=True)
class _Seeding:
    """Decides and writes; `owners` is the id by content hash of all there is."""

    given: dict[str, _Given]
    owners: dict[str, str]
    added: list[Example] = field(default_factory=list)
    updated: list[Example] = field(default_factory=list)
    gone: dict[str, str | None] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    remembered: dict[str, _Given] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)

    def plan(self, by_key: Mapping[str, Example]) -> None:
        self.ids = set(self.owners.values())
        for key in self.given.keys() - by_key.keys():
            self._withdraw(self.given[key])
        for key, example in by_key.items():
            given = self.given.get(key)
            new_hash = example.content_hash
            if given is None:
                self.remembered[key] = _Given(self._add(example, new_hash), new_hash)
            else:
                self._follow(given, example, new_hash)
                self.remembered[key] = _Given(given.example_id, new_hash)

    def _untouched(self, given: _Given) -> bool:
        return self.owners.get(given.hash) == given.example_id

    def _withdraw(self, given: _Given) -> None:
        if self._untouched(given):
            del self.owners[given.hash]
            self.gone[given.hash] = None
            self.removed.append(given.example_id)

    def _add(self, example: Example, new_hash: str) -> str:
        if new_hash not in self.owners:
            example_id = free_id(new_hash, self.ids)
            self.added.append(replace(example, id=example_id))
            self._own(example_id, new_hash)
        return self.owners[new_hash]

    def _follow(self, given: _Given, example: Example, new_hash: str) -> None:
        if given.hash != new_hash and self._untouched(given) and new_hash not in self.owners:
            del self.owners[given.hash]
            self.gone[given.hash] = None
            self.updated.append(replace(example, id=given.example_id))
            self._own(given.example_id, new_hash)

    def _own(self, example_id: str, new_hash: str) -> None:
        self.gone.pop(new_hash, None)
        self.ids.add(example_id)
        self.owners[new_hash] = example_id

    def write(self, connection: Connection, revision: int) -> None:
        for batch in batched(self.removed):
            connection.execute(delete(examples).where(examples.c.id.in_(batch)))
        update_examples(connection, self.updated, revision)
        insert_examples(connection, self.added, revision)
        bury(connection, self.gone, revision)
        unbury(connection, [example.content_hash for example in (*self.updated, *self.added)])
        if self.removed or self.updated or self.added:
            count_up(connection, revision)
        connection.execute(delete(shipped_examples))
        for entries in batched(self.remembered.items()):
            rows = [{"key": key, "example_id": given.example_id, "content_hash": given.hash} for key, given in entries]
            connection.execute(insert(shipped_examples), rows)


def _key(example: Example) -> str:
    return content_hash(example.headline)


def _given(connection: Connection) -> dict[str, _Given]:
    table = shipped_examples.c
    rows = connection.execute(select(table.key, table.example_id, table.content_hash))
    return {key: _Given(example_id, given_hash) for key, example_id, given_hash in rows}


def _owners(connection: Connection) -> dict[str, str]:
    rows = connection.execute(select(examples.c.content_hash, examples.c.id))
    return {owned_hash: example_id for owned_hash, example_id in rows}  # noqa: C416  # the rows are no plain pairs
