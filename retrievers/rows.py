"""Between rows and examples, and the small statements that several changes share."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import bindparam, delete, insert, or_, select, update

from domain.errors import InvalidExample, NotFound
from domain.example import Example
from retrievers.tables import example_tombstones, examples, revisions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Row

_Item = TypeVar("_Item")

_LIMITS = {"id": 64, "topic": 100, "tenant": 200, "headline": 1_000, "article": 200_000}
_BATCH = 500


def batched(items: Iterable[_Item], size: int = _BATCH) -> Iterator[list[_Item]]:
    """Lists of at most `size` items, in order (itertools has this from Python 3.12 on)."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def check_lengths(example: Example) -> None:
    """Refuse what no database index or prompt could hold.

    Raises:
        InvalidExample: Names the field and its limit.
    """
    if example.tenant is not None and not example.tenant.strip():
        raise InvalidExample("tenant", "is blank; leave it out for everybody's examples")
    for name, limit in _LIMITS.items():
        if len(getattr(example, name) or "") > limit:
            raise InvalidExample(name, f"is longer than {limit} characters")


def visible_to(tenant: str | None) -> ColumnElement[bool]:
    """What a tenant sees: its own examples and everybody's."""
    everybodys = examples.c.tenant.is_(None)
    return everybodys if tenant is None else or_(everybodys, examples.c.tenant == tenant)


def require(connection: Connection, example_id: str) -> Row[Any]:
    """The row of an example.

    Raises:
        NotFound: There is no such example.
    """
    row = connection.execute(select(examples).where(examples.c.id == example_id)).one_or_none()
    if row is None:
        raise NotFound("example", example_id)
    return row


def refuse_twin(connection: Connection, example: Example) -> None:
    """Make sure that no example has this content yet.

    Raises:
        InvalidExample: One has; the message names it.
    """
    query = select(examples.c.id).where(examples.c.content_hash == example.content_hash)
    twin = connection.execute(query).scalar()
    if twin is not None:
        raise InvalidExample("content", f"is already that of example {twin}")


def insert_examples(connection: Connection, new: Iterable[Example], revision: int) -> None:
    """Write examples that were not there."""
    for batch in batched(new):
        rows = [{**values_of(example), "added": revision, "revision": revision} for example in batch]
        connection.execute(insert(examples), rows)


def update_examples(connection: Connection, changed: Iterable[Example], revision: int) -> None:
    """Overwrite examples by id, one by one in the given order, which keeps contents unique; origins stay."""
    columns = [column.name for column in examples.c if column.name not in {"id", "origin", "added"}]
    statement = update(examples).where(examples.c.id == bindparam("old_id"))
    statement = statement.values({name: bindparam(f"new_{name}") for name in columns})
    for example in changed:
        values = {**values_of(example), "revision": revision}
        connection.execute(statement, {"old_id": example.id, **{f"new_{name}": values[name] for name in columns}})


def bury(connection: Connection, gone: Mapping[str, str | None], revision: int) -> None:
    """Leave a tombstone for content, given with its tenant, that is no example any more."""
    unbury(connection, list(gone))
    rows = [{"content_hash": key, "tenant": tenant, "revision": revision} for key, tenant in gone.items()]
    if rows:
        connection.execute(insert(example_tombstones), rows)


def unbury(connection: Connection, hashes: Sequence[str]) -> None:
    """Take the tombstones away of content that is an example again."""
    for batch in batched(hashes):
        connection.execute(delete(example_tombstones).where(example_tombstones.c.content_hash.in_(batch)))


def count_up(connection: Connection, revision: int) -> None:
    """Make `revision` the store's; the transaction that does so must hold the counter's row."""
    connection.execute(update(revisions).where(revisions.c.name == "examples").values(value=revision))


def values_of(example: Example) -> dict[str, Any]:
    """The columns of an example, but for the revisions."""
    return {
        "id": example.id,
        "content_hash": example.content_hash,
        "tenant": example.tenant,
        "topic": example.topic,
        "headline": example.headline,
        "article": example.article,
        "summary": example.summary,
        "answer": example.answer,
        "riddle": example.riddle,
        "hints": list(example.hints),
        "origin": example.origin,
    }


def example_of(row: Row[Any]) -> Example:
    """The example in a row."""
    return Example(
        id=row.id,
        tenant=row.tenant,
        topic=row.topic,
        headline=row.headline,
        article=row.article,
        summary=row.summary,
        answer=row.answer,
        riddle=row.riddle,
        hints=tuple(row.hints),
        origin=row.origin,
    )


def pair_of(row: Row[Any, Any]) -> tuple[str, str | None]:
    """Content hash and tenant of a row that has them."""
    return row.content_hash, row.tenant
