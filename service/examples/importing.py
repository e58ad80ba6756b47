"""An import, a batch of lines at a time: stored as it comes, reported at the end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from retrievers.importing import Rejected
from service.examples.lines import lines_of, read_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

    from domain.example import Example
    from retrievers import Examples

BATCH = 200
MAX_REPORTED = 1000
"""No more rejected lines than this are listed: such a file is of another kind."""


@dataclass(slots=True)
class Import:
    """One import and what it did so far.

    Args:
        examples: Where they go.
        tenant: Whose they become.
    """

    examples: Examples
    tenant: str | None
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)

    async def run(self, chunks: AsyncIterable[bytes]) -> dict[str, Any]:
        """Import a body; what is stored stays stored when the body breaks off, and sending it again changes nothing."""
        batch: list[tuple[int, Example]] = []
        number = 0
        async for line in lines_of(chunks):
            number += 1
            read = read_line(number, line, tenant=self.tenant)
            if isinstance(read, Rejected):
                self._reject([read])
            elif read is not None:
                batch.append(read)
            if len(batch) == BATCH:
                await self._store(batch)
                batch = []
        await self._store(batch)
        return self._report()

    async def _store(self, batch: list[tuple[int, Example]]) -> None:
        if batch:
            numbers, examples = zip(*batch, strict=True)
            report = await asyncio.to_thread(self.examples.import_, examples)
            self.added += report.added
            self.updated += report.updated
            self.unchanged += report.unchanged
            self._reject(Rejected(numbers[one.line - 1], one.reason) for one in report.rejected)

    def _reject(self, lines: Iterable[Rejected]) -> None:
        room = MAX_REPORTED - len(self.rejected)
        self.rejected += [{"line": one.line, "reason": one.reason} for one in list(lines)[:room]]

    def _report(self) -> dict[str, Any]:
        return {
            "added": self.added,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": sorted(self.rejected, key=lambda one: one["line"]),
        }
