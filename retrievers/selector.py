"""From an article to the examples its prompts will show."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from retrievers.encoder import MAX_BODY_CHARS
from retrievers.selection import Candidate, Scored, Selection, choose
from retrievers.shelf import Shelf, Shelved, fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from domain import Article, Example
    from prompts import RetrievalSpec
    from retrievers.embeddings import EmbeddingModel
    from retrievers.index import ExampleIndex
    from retrievers.store import ExampleStore
    from retrievers.vectors import Matrix

_SPARE = 2
_MAX_COMPARED_CHARS = 200_000


class ExampleSelector:
    """Looks up the nearest examples and chooses among them; sees changes of any process. Safe in threads.

    Args:
        store: What examples are now.
        index: What is near.
        embeddings: The same model as the index's.
    """

    def __init__(self, store: ExampleStore, index: ExampleIndex, embeddings: EmbeddingModel) -> None:
        self._store = store
        self._index = index
        self._encoder = index.encoder
        self._shelf = Shelf()
        self.embeddings = embeddings

    def select(
        self,
        article: Article,
        spec: RetrievalSpec,
        *,
        topic: str | None = None,
        tenant: str | None = None,
        count_tokens: Callable[[Example], int] | None = None,
        budget_tokens: int | None = None,
    ) -> Selection:
        """Choose the examples for an article, see `retrievers.selection`.

        Args:
            article: What they are to be like.
            spec: How many, from which similarity on, how diverse.
            topic: Only examples of this topic, whatever their similarity.
            tenant: Sees its own examples and everybody's; None sees everybody's only.
            count_tokens: What an example takes in the prompt.
            budget_tokens: What all of them may take.

        Raises:
            IndexUnavailable: Chroma fails even after a rebuild.
            ProviderError: The embedding's provider failed.
        """
        query = self._query(article)
        candidates = _candidates(article, self._nearest(query, _looked_at(spec), topic, tenant))
        return choose(query, candidates, spec, count_tokens=count_tokens, budget_tokens=budget_tokens)

    async def aselect(
        self,
        article: Article,
        spec: RetrievalSpec,
        *,
        topic: str | None = None,
        tenant: str | None = None,
        count_tokens: Callable[[Example], int] | None = None,
        budget_tokens: int | None = None,
    ) -> Selection:
        """`select`; only what has to be waited for is done in a thread, which else costs more than the work."""
        query = self._query(article) if self.embeddings.at_once else await asyncio.to_thread(self._query, article)
        shelved = self._nearest_at_hand(query, _looked_at(spec), topic, tenant)
        if shelved is None:
            shelved = await asyncio.to_thread(self._nearest, query, _looked_at(spec), topic, tenant)
        candidates = _candidates(article, shelved)
        return choose(query, candidates, spec, count_tokens=count_tokens, budget_tokens=budget_tokens)

    def recall(
        self, chosen: Sequence[tuple[str, float]], *, topic: str | None = None, tenant: str | None = None
    ) -> Selection | None:
        """A selection made before, whatever is near by now; None when one of its examples is no more as it was.

        Args:
            chosen: Content hashes and scores, as they were shown.
            topic: As `select`.
            tenant: As `select`.
        """
        found = self._store.by_hashes([key for key, _ in chosen])
        if any(key not in found or not _may_see(found[key], topic, tenant) for key, _ in chosen):
            return None
        return Selection(tuple(Scored(found[key], score) for key, score in chosen))

    def ranks(
        self, article: Article, texts: Sequence[str], *, among: int, topic: str | None = None, tenant: str | None = None
    ) -> list[int]:
        """Where the article comes when the stories most like it are ordered by their similarity to a text.

        Args:
            article: The story that each text is about, unless it is a bad one.
            texts: Riddles, for instance.
            among: How many other stories to tell it from: the examples most similar to the article.
            topic: As `select`.
            tenant: As `select`.

        Returns:
            For each text 1 when it is more like the article than like any of the others, 2 when one is more like it ...
        """
        own = self._query(article)
        print_of_own = fingerprint(article.text[:_MAX_COMPARED_CHARS])
        near = self._nearest(own, among + _SPARE, topic, tenant)
        others = [item.vector for item in near if item.fingerprint != print_of_own][:among]
        if not others or not texts:
            return [1] * len(texts)
        read = self.embeddings.matrix([text[:MAX_BODY_CHARS] for text in texts])
        rivals = read @ np.stack(others).T
        return [1 + int(np.sum(row > score)) for row, score in zip(rivals, read @ own, strict=True)]

    def search(self, text: str, k: int = 4, topic: str | None = None, tenant: str | None = None) -> list[Scored]:
        """The `k` examples most similar to a text, most similar first, without any other rule."""
        query = self._encoder.encode([(None, text)])[0]
        shelved = self._nearest(query, k, topic, tenant)
        scored = [Scored(item.example, float(item.vector @ query)) for item in shelved]
        return sorted(scored, key=lambda item: -item.score)[:k]

    def _query(self, article: Article) -> Matrix:
        vector: Matrix = self._encoder.encode([(article.title, article.text)])[0]
        return vector

    def _nearest(self, query: Matrix, n: int, topic: str | None, tenant: str | None) -> list[Shelved]:
        current = self._index.refresh()
        revision = self._index.revision
        hashes = [hit.content_hash for hit in self._index.search(query, n, topic, tenant)]
        found = self._shelf.take(hashes, revision) if current else {}
        missing = [key for key in hashes if key not in found]
        if missing:
            fetched = self._fetch(missing, tenant)
            self._shelf.put(fetched, revision if current else -1)
            found.update(fetched)
        visible = (found[key] for key in hashes if key in found)
        return [item for item in visible if _may_see(item.example, topic, tenant)]

    def _nearest_at_hand(self, query: Matrix, n: int, topic: str | None, tenant: str | None) -> list[Shelved] | None:
        searched = self._index.search_at_hand(query, n, topic, tenant)
        if searched is None:
            return None
        hits, revision = searched
        hashes = [hit.content_hash for hit in hits]
        found = self._shelf.take(hashes, revision)
        if len(found) < len(set(hashes)):
            return None
        return [found[key] for key in hashes if _may_see(found[key].example, topic, tenant)]

    def _fetch(self, hashes: list[str], tenant: str | None) -> dict[str, Shelved]:
        """From store and index; what either does not know any more is left out."""
        examples = self._store.by_hashes(hashes)
        vectors = self._index.vectors(list(examples), tenant)
        return {
            key: Shelved(example, vectors[key], fingerprint(example.article))
            for key, example in examples.items()
            if key in vectors
        }


def _looked_at(spec: RetrievalSpec) -> int:
    return max(spec.candidates, spec.k) + _SPARE


def _candidates(article: Article, shelved: Sequence[Shelved]) -> list[Candidate]:
    own = fingerprint(article.text[:_MAX_COMPARED_CHARS])
    return [Candidate(item.example, item.vector, item.fingerprint == own) for item in shelved]


def _may_see(example: Example, topic: str | None, tenant: str | None) -> bool:
    """The filter once more, on what the store says: it holds whatever an index may hold."""
    return example.tenant in (None, tenant) and topic in (None, example.topic)
