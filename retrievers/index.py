"""The vector index of the example store, derived from it and rebuilt whenever it is of no use."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sqlalchemy.exc import OperationalError

from retrievers.chroma import trouble_of
from retrievers.encoder import FORMULA, ArticleEncoder
from retrievers.errors import IndexUnavailable
from retrievers.nearby import VectorShelf
from retrievers.partitions import Imprint, Partitions
from retrievers.rows import batched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

    from retrievers.embeddings import EmbeddingModel
    from retrievers.nearby import VectorSet
    from retrievers.store import ExampleStore
    from retrievers.vectors import Matrix

PATIENCE_S = 2.0
"""How long a selection waits for an update of the index before it goes on with the old one."""

_OVERFETCH = 4
_BATCH = 256


class Hit(NamedTuple):
    """A content hash with its cosine similarity, as the approximate index sees it."""

    content_hash: str
    score: float


class ExampleIndex:
    """Finds the examples nearest to a vector. Safe in threads; several processes may share a Chroma server.

    Vectors are kept under the content's hash, so a vector is right or absent, never old, and applying a change twice
    does no harm. What it finds must still be looked up in the store: only the store knows what an example is now.

    Args:
        client: Chroma, see `retrievers.chroma.open_chroma`.
        embeddings: The model; an index built with another one is built anew.
        store: The truth.
    """

    def __init__(self, client: ClientAPI, embeddings: EmbeddingModel, store: ExampleStore) -> None:
        self.encoder = ArticleEncoder(embeddings)
        self._client = client
        self._embeddings = embeddings
        self._store = store
        self._revision = -1
        self._lock = threading.Lock()
        self._hurry_until = 0.0
        self._nearby = VectorShelf()

    @cached_property
    def _partitions(self) -> Partitions:
        imprint = Imprint(embedding=self._embeddings.name, dimension=self._embeddings.dimension, formula=FORMULA)
        return Partitions(self._client, self._store.id, imprint)

    # ------------------------------------------------------------------ staying true
    def sync(self) -> None:
        """Bring the index to the store's revision, however long it takes; does nothing when it is there.

        Raises:
            IndexUnavailable: Chroma fails even after a rebuild.
            ProviderError: The embedding's provider failed.
        """
        with self._lock, self._store.index_lock(), _chroma_errors():
            self._sync_or_rebuild()

    def refresh(self) -> bool:
        """Like `sync`, but gives up waiting for another thread's or process's update after two seconds.

        Returns:
            Whether the index now is at the store's revision; if not, only the store knows what was removed.
        """
        if self._store.revision() == self._revision:
            return True
        patience = PATIENCE_S if time.monotonic() > self._hurry_until else 0.0
        if not self._lock.acquire(timeout=patience):
            self._hurry_until = time.monotonic() + PATIENCE_S
            return False
        try:
            with self._store.index_lock(patience_s=max(patience, 0.001)), _chroma_errors():
                self._sync_or_rebuild()
        except OperationalError:  # another process holds the lock
            self._hurry_until = time.monotonic() + PATIENCE_S
            return False
        finally:
            self._lock.release()
        return True

    def _sync_or_rebuild(self) -> None:
        from chromadb.errors import ChromaError

        try:
            self._sync()
        except ChromaError:  # whatever is wrong in there: everything can be derived again
            self._partitions.delete()
            self._sync()

    def _sync(self) -> None:
        first = self._revision < 0
        recorded = self._partitions.recorded_revision()
        target = self._store.revision()
        if recorded is None:
            self._partitions.delete()
            self._partitions.delete_other_embeddings()
        self._partitions.forget()
        if recorded is None or recorded > target or (first and self._differs_in_size(recorded, target)):
            target = self._repair()
        elif recorded < target:
            target = self._follow(recorded)
        if recorded != target:
            self._partitions.record_revision(target)
        self._revision = target

    def _differs_in_size(self, recorded: int, target: int) -> bool:
        """A cheap look for what was lost; only where no change is pending, which explains a difference."""
        return recorded == target and self.count() != self._store.count()

    def _follow(self, recorded: int) -> int:
        """Apply what changed since."""
        changes = self._store.changes_since(recorded)
        self._drop(changes.gone)
        self._fill(changes.current)
        return changes.revision

    def _repair(self) -> int:
        """Compare everything, drop what should not be there and embed what is missing."""
        changes = self._store.changes_since(0)
        wanted = {content_hash for content_hash, _ in changes.current}
        for collection in self._partitions.all():
            extra = set(collection.get(include=[])["ids"]) - wanted
            for batch in batched(extra):
                collection.delete(ids=batch)
        self._fill(changes.current)
        return changes.revision

    def _drop(self, gone: Iterable[tuple[str, str | None]]) -> None:
        for tenant, hashes in _by_tenant(gone).items():
            collection = self._partitions.find(tenant)
            for batch in batched(hashes if collection else ()):
                assert collection is not None
                collection.delete(ids=batch)

    def _fill(self, current: Iterable[tuple[str, str | None]]) -> None:
        self._partitions.open(None)
        for tenant, hashes in _by_tenant(current).items():
            collection = self._partitions.open(tenant)
            for batch in batched(hashes, _BATCH):
                present = set(collection.get(ids=batch, include=[])["ids"])
                self._embed_into(collection, [content_hash for content_hash in batch if content_hash not in present])

    def _embed_into(self, collection: Collection, hashes: list[str]) -> None:
        examples = self._store.by_hashes(hashes)
        if not examples:
            return
        rows = self.encoder.encode([(example.headline, example.article) for example in examples.values()])
        topics: list[Any] = [{"topic": example.topic} for example in examples.values()]
        collection.upsert(ids=list(examples), embeddings=rows, metadatas=topics)

    # ------------------------------------------------------------------ looking up
    def trouble(self) -> str | None:
        """See `retrievers.chroma.trouble_of`."""
        return trouble_of(self._client)

    @property
    def revision(self) -> int:
        """The store's revision the index was last brought to by this process; -1 before the first time."""
        return self._revision

    def count(self) -> int:
        """How many vectors there are, of all tenants."""
        return sum(collection.count() for collection in self._partitions.all())

    def search(self, vector: Matrix, n: int, topic: str | None = None, tenant: str | None = None) -> list[Hit]:
        """The `n` nearest that the tenant sees, of the topic if one is given; most similar first.

        Raises:
            IndexUnavailable: Chroma fails even after a rebuild.
        """
        from chromadb.errors import ChromaError

        with _chroma_errors():
            try:
                return self._search(vector, n, topic, tenant)
            except ChromaError:  # gone, corrupt, or made by another embedding of the same name
                self._revision = -1
                self.sync()
                return self._search(vector, n, topic, tenant)

    def search_at_hand(
        self, vector: Matrix, n: int, topic: str | None = None, tenant: str | None = None
    ) -> tuple[list[Hit], int] | None:
        """Like `search` with the revision it is of, where nothing has to be waited for; else None.

        That is: the index is where the store is, and the vectors of everybody and of the tenant are in memory.
        """
        revision = self._revision
        if revision < 0 or self._store.revision_at_hand() != revision:
            return None
        hits: list[Hit] = []
        for name in _names(tenant):
            remembered, collection = self._partitions.remembered(name)
            kept = self._nearby.at_hand(collection, topic, revision) if collection else None
            if kept is not None:
                hits += _nearest_of(kept, vector, n)
            elif collection or not remembered:
                return None
        return _best(hits, n), revision

    def vectors(self, hashes: list[str], tenant: str | None = None) -> dict[str, Matrix]:
        """The vectors kept under these content hashes, as far as they are there.

        Raises:
            IndexUnavailable: Chroma fails.
        """
        found: dict[str, Matrix] = {}
        with _chroma_errors():
            for collection in self._visible(tenant) if hashes else ():  # Chroma refuses to look for nothing
                answer = collection.get(ids=hashes, include=["embeddings"])
                if answer["ids"]:
                    rows = np.asarray(answer["embeddings"], dtype=np.float32)
                    found.update(zip(answer["ids"], rows, strict=True))
        return found

    def _search(self, vector: Matrix, n: int, topic: str | None, tenant: str | None) -> list[Hit]:
        hits = [hit for collection in self._visible(tenant) for hit in self._nearest(collection, vector, n, topic)]
        return _best(hits, n)

    def _nearest(self, collection: Collection, vector: Matrix, n: int, topic: str | None) -> list[Hit]:
        kept = self._nearby.get(collection, topic, self._revision)
        if kept is not None:
            return _nearest_of(kept, vector, n)
        if topic is None:
            return _query(collection, vector, n)
        hits = _query_and_filter(collection, vector, n, topic)
        return hits if len(hits) == n else _query(collection, vector, n, where={"topic": topic})

    def _visible(self, tenant: str | None) -> list[Collection]:
        return [collection for name in _names(tenant) if (collection := self._partitions.find(name))]

    def close(self, *, delete: bool = False) -> None:
        """Let go of the collections; with `delete`, of what is in them too."""
        if delete and "_partitions" in self.__dict__:
            self._partitions.delete()


def _names(tenant: str | None) -> tuple[str | None, ...]:
    return (None,) if tenant is None else (None, tenant)


def _nearest_of(kept: VectorSet, vector: Matrix, n: int) -> list[Hit]:
    return [Hit(key, score) for key, score in kept.nearest(vector, n)] if kept.hashes else []


def _best(hits: list[Hit], n: int) -> list[Hit]:
    return sorted(hits, key=lambda hit: -hit.score)[:n]


def _query(collection: Collection, vector: Matrix, n: int, where: dict[str, Any] | None = None) -> list[Hit]:
    answer = collection.query(query_embeddings=vector[np.newaxis], n_results=n, where=where, include=["distances"])
    distances = answer["distances"]
    assert distances is not None
    return [Hit(key, 1 - distance) for key, distance in zip(answer["ids"][0], distances[0], strict=True)]


def _query_and_filter(collection: Collection, vector: Matrix, n: int, topic: str) -> list[Hit]:
    answer = collection.query(
        query_embeddings=vector[np.newaxis], n_results=n * _OVERFETCH, include=["distances", "metadatas"]
    )
    distances, metadatas = answer["distances"], answer["metadatas"]
    assert distances is not None
    assert metadatas is not None
    rows = zip(answer["ids"][0], distances[0], metadatas[0], strict=True)
    return [Hit(key, 1 - distance) for key, distance, metadata in rows if metadata["topic"] == topic][:n]


def _by_tenant(pairs: Iterable[tuple[str, str | None]]) -> dict[str | None, list[str]]:
    grouped: dict[str | None, list[str]] = {}
    for content_hash, tenant in pairs:
        grouped.setdefault(tenant, []).append(content_hash)
    return grouped


@contextmanager
def _chroma_errors() -> Iterator[None]:
    import httpx
    from chromadb.errors import ChromaError

    try:
        yield
    except (ChromaError, httpx.HTTPError) as error:
        raise IndexUnavailable(f"{type(error).__name__}: {error}") from error
