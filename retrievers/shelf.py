"""Examples and vectors that were looked up lately, kept by content hash."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.article import content_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from domain import Example
    from retrievers.vectors import Matrix

CAPACITY = 4_096
"""About 25 MB of news articles with 256 dimensions."""


@dataclass(frozen=True, slots=True)
class Shelved:
    """An example with its vector and the fingerprint of its article."""

    example: Example
    vector: Matrix
    fingerprint: str


class Shelf:
    """Least recently used goes first. What lies here was true at `revision`; ask for another one and it is empty."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._items: OrderedDict[str, Shelved] = OrderedDict()
        self._revision = -1
        self._lock = threading.Lock()

    def take(self, hashes: Iterable[str], revision: int) -> dict[str, Shelved]:
        """Those of the hashes that lie here, as of that revision."""
        with self._lock:
            if revision != self._revision:
                self._items.clear()
                self._revision = revision
            found = {key: self._items[key] for key in hashes if key in self._items}
            for key in found:
                self._items.move_to_end(key)
            return found

    def put(self, items: Mapping[str, Shelved], revision: int) -> None:
        """Keep what was looked up, unless the revision has moved on meanwhile."""
        with self._lock:
            if revision != self._revision:
                return
            self._items.update(items)
            while len(self._items) > self._capacity:
                self._items.popitem(last=False)


def fingerprint(text: str) -> str:
    """Equal for texts that differ in white space and letter case only."""
    return content_hash(" ".join(text.casefold().split()))
