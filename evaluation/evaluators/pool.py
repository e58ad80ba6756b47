"""The pool: what evaluators may look things up in, worked out once for all pipelines and repeats."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from chains.gate import ArticleFacts
from evaluation.evaluators.stories import Stories
from retrievers import load_embeddings
from retrievers.vectors import as_matrix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain import Example
    from evaluation.case import Case
    from retrievers.vectors import Matrix


class TextVectors(Protocol):
    """LangChain's `Embeddings`, or anything with these two methods of it."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector for each text."""

    def embed_query(self, text: str) -> list[float]:
        """The vector of one text."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pool:
    """What evaluators look things up in. May be used from several threads at once.

    Args:
        cases: All cases of the dataset by id; the stories that a solver has to tell apart come from here.
        examples: The pre-made examples by id, which outcomes name.
        embeddings: What makes the vectors of examples, and of stories unless `solver` does.
        solver: What the embedding solver reads riddles and stories with, where that is another one. Stories are
            embedded together, the first time that anybody needs one.
    """

    cases: Mapping[str, Case]
    examples: Mapping[str, Example] = field(default_factory=dict)
    embeddings: TextVectors = field(default_factory=load_embeddings)
    solver: TextVectors | None = None
    _facts: dict[str, ArticleFacts] = field(default_factory=dict, init=False, repr=False)
    _shots: dict[str, Matrix] = field(default_factory=dict, init=False, repr=False)
    _stories: list[Stories] = field(default_factory=list, init=False, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    def facts(self, case: Case) -> ArticleFacts:
        """What the gate's checks need of a case's article."""
        facts = self._facts.get(case.id)
        if facts is None:
            if len(self._facts) >= _MOST_FACTS:
                self._facts.clear()
            facts = self._facts[case.id] = ArticleFacts(case.article)
        return facts

    def stories(self) -> Stories:
        """All stories of the dataset as vectors.

        Raises:
            ProviderError: The embeddings are a provider's, and it failed.
        """
        if not self._stories:
            with self._lock:
                if not self._stories:
                    self._stories.append(Stories(self.cases, self.solver or self.embeddings))
        return self._stories[0]

    def vector(self, text: str) -> Matrix:
        """The vector of a text as the solver reads it, of unit length.

        Raises:
            ProviderError: The embeddings are a provider's, and it failed.
        """
        vector: Matrix = as_matrix([(self.solver or self.embeddings).embed_query(text)])[0]
        return vector

    def example_vectors(self, ids: Sequence[str]) -> Matrix:
        """The vectors of those examples that the pool knows, one row each, in the order named.

        Raises:
            ProviderError: The embeddings are a provider's, and it failed.
        """
        known = [example_id for example_id in ids if example_id in self.examples]
        with self._lock:
            missing = [example_id for example_id in dict.fromkeys(known) if example_id not in self._shots]
            if missing:
                texts = [
                    f"{example.headline}\n{example.article}" for example in map(self.examples.__getitem__, missing)
                ]
                self._shots.update(zip(missing, as_matrix(self.embeddings.embed_documents(texts)), strict=True))
            rows: Matrix = np.array([self._shots[example_id] for example_id in known], dtype=np.float32)
        return rows


_MOST_FACTS: Final = 2_000
"""Articles whose facts are kept, some 50 MB of them."""
