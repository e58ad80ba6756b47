"""Exact search in memory where that is faster than an index: in a small collection or one topic of a large one.

Among 480 vectors Chroma takes 1.3 ms of CPU for a query and one multiplication takes 0.03; among 100,000 its metadata
filter takes 50 ms. So the vectors of a small collection, or of a topic that is asked for, are kept in memory as of one
revision, and nothing is missed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retrievers.rows import batched

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

    from retrievers.vectors import Matrix

SMALL = 5_000
"""Vectors up to which a collection is searched in memory: 5 MB of them, a fifth of a millisecond."""

MAX_VECTORS = 20_000
"""A topic of more is a large part of its collection, where fetching more and filtering finds enough."""

MAX_BYTES = 64_000_000
"""Of all sets together; the least recently asked goes first."""


@dataclass(frozen=True, slots=True)
class VectorSet:
    """Content hashes with their vectors, row by row."""

    hashes: list[str]
    rows: Matrix

    def nearest(self, vector: Matrix, n: int) -> list[tuple[str, float]]:
        """The `n` most similar with their cosines, most similar first."""
        scores = self.rows @ vector
        best = np.argpartition(-scores, n - 1)[:n] if n < len(scores) else np.arange(len(scores))
        best = best[np.argsort(-scores[best], kind="stable")]
        return [(self.hashes[place], score) for place, score in zip(best.tolist(), scores[best].tolist(), strict=True)]


class VectorShelf:
    """Small collections and topics that were asked for lately."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._revision = -1
        self._kept: OrderedDict[tuple[str, str | None], VectorSet | None] = OrderedDict()
        self._sizes: dict[str, int] = {}

    def size(self, collection: Collection, revision: int) -> int:
        """How many vectors there are; Chroma takes 40 ms to count 100,000, so it is asked once a revision."""
        key = str(collection.id)
        with self._lock:
            self._turn_to(revision)
            if key not in self._sizes:
                self._sizes[key] = collection.count()
            return self._sizes[key]

    def get(self, collection: Collection, topic: str | None, revision: int) -> VectorSet | None:
        """The vectors to search in memory, or None when there are too many of them.

        Args:
            collection: Where to fetch them from, once a revision.
            topic: As the metadata have it; None is all of a small collection.
            revision: The one the collection is at.
        """
        if topic is None and self.size(collection, revision) > SMALL:
            return None
        key = (str(collection.id), topic)
        with self._lock:
            self._turn_to(revision)
            if key not in self._kept:
                self._kept[key] = _fetch(collection, topic)
                self._shrink()
            self._kept.move_to_end(key)
            return self._kept[key]

    def at_hand(self, collection: Collection, topic: str | None, revision: int) -> VectorSet | None:
        """Like `get`, but None also where Chroma or another thread would have to be waited for."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            key = (str(collection.id), topic)
            if revision != self._revision or key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key]
        finally:
            self._lock.release()

    def _turn_to(self, revision: int) -> None:
        if revision != self._revision:
            self._kept.clear()
            self._sizes.clear()
            self._revision = revision

    def _shrink(self) -> None:
        """Forget all but the newest, from the oldest on, until the rest is small enough."""
        used = sum(kept.rows.nbytes for kept in self._kept.values() if kept)
        while used > MAX_BYTES and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            used -= oldest.rows.nbytes if oldest else 0


def _fetch(collection: Collection, topic: str | None) -> VectorSet | None:
    where: Any = None if topic is None else {"topic": topic}
    wanted = collection.get(where=where, limit=MAX_VECTORS + 1, include=[])["ids"]
    if len(wanted) > MAX_VECTORS:
        return None
    hashes: list[str] = []
    parts: list[Matrix] = [np.empty((0, 0), dtype=np.float32)]
    for batch in batched(wanted, 1_000):
        answer = collection.get(ids=batch, include=["embeddings"])
        if answer["ids"]:  # they may all have been removed since
            hashes += answer["ids"]
            parts.append(np.asarray(answer["embeddings"], dtype=np.float32))
    return VectorSet(hashes, np.concatenate(parts[1:] or parts))
