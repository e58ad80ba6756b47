"""Deciding what an import adds, updates and leaves alone, before anything is written.

The law: importing the same examples twice changes nothing the second time. It needs care where records carry ids:
an update may free the content another record wants, so updates are tried until none succeeds any more, and only then
is new content added.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from domain import Example


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that was not imported; `line` counts from 1."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """How an import ended; the numbers and the rejected ones add up to the records given."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: tuple[Rejected, ...] = ()


class Known(NamedTuple):
    """What the store has under an id."""

    content_hash: str
    tenant: str | None


@dataclass(slots=True)
class ImportPlan:
    """What an import will write, in an order that keeps contents unique at every moment.

    Args:
        ids: What the store has, by id; grows as the plan does.
        owners: Id by content hash, of the same examples.
    """

    ids: dict[str, Known]
    owners: dict[str, str]
    added: list[Example] = field(default_factory=list)
    updated: list[Example] = field(default_factory=list)
    unchanged: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    released: dict[str, str | None] = field(default_factory=dict)

    def fill(self, records: Iterable[tuple[int, Example]]) -> None:
        """Sort the records, given with their line numbers, into what happens to them."""
        updates: list[Example] = []
        others: list[Example] = []
        for example in self._without_repeated_ids(records):
            known = self.ids.get(example.id)
            (updates if known and known.tenant == example.tenant else others).append(example)
        self._update(updates)
        for example in others:
            self._add(example)

    def _without_repeated_ids(self, records: Iterable[tuple[int, Example]]) -> Iterator[Example]:
        lines: dict[str, int] = {}
        for line, example in records:
            first = lines.setdefault(example.id, line) if example.id else line
            if first == line:
                yield example
            else:
                self.rejected.append(Rejected(line, f"id {example.id!r} is used by line {first} already"))

    def _update(self, pending: list[Example]) -> None:
        while pending:
            blocked = [example for example in pending if not self._try_update(example)]
            if len(blocked) == len(pending):
                self.unchanged += len(blocked)
                return
            pending = blocked

    def _try_update(self, example: Example) -> bool:
        """False when another example has this content: then the record waits until that one may have moved on."""
        new_hash = example.content_hash
        known = self.ids[example.id]
        if known.content_hash == new_hash:
            self.unchanged += 1
            return True
        if new_hash in self.owners:
            return False
        del self.owners[known.content_hash]
        self.released[known.content_hash] = known.tenant
        self._own(example, new_hash)
        self.updated.append(example)
        return True

    def _add(self, example: Example) -> None:
        new_hash = example.content_hash
        if new_hash in self.owners:
            self.unchanged += 1
            return
        if not example.id or example.id in self.ids:
            example = replace(example, id=free_id(new_hash, self.ids))
        self._own(example, new_hash)
        self.added.append(example)

    def _own(self, example: Example, content_hash: str) -> None:
        self.released.pop(content_hash, None)
        self.ids[example.id] = Known(content_hash, example.tenant)
        self.owners[content_hash] = example.id

    def report(self) -> ImportReport:
        """The numbers."""
        return ImportReport(
            added=len(self.added),
            updated=len(self.updated),
            unchanged=self.unchanged,
            rejected=tuple(sorted(self.rejected, key=lambda rejected: rejected.line)),
        )


def free_id(content_hash: str, taken: Container[str] = ()) -> str:
    """`ex_` and 16 hex digits: of the content hash where that is free (an edited example keeps its id), else random."""
    wanted = f"ex_{content_hash[:16]}"
    return f"ex_{uuid.uuid4().hex[:16]}" if wanted in taken else wanted
