"""The embedding that comes with the package: static word vectors from the wordllama wheel, on any CPU, offline."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from langchain_core.embeddings import Embeddings

from retrievers.vectors import Matrix, unit
from retrievers.word_tokens import WordTokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_FEW = 8
"""Texts up to which the words that were met before save more than the tokenizer's threads do."""


class WordLlamaEmbeddings(Embeddings):
    """256 dimensions, about a fifth of a millisecond a news article, no network.

    A text's vector is the mean of its tokens' vectors, of unit length: what `WordLlama.embed(norm=True)` gives, without
    padding a batch to its longest text.
    """

    name = "embedded:wordllama"
    at_once = True

    def __init__(self) -> None:
        self._tokenizer, self._words, self._vectors = _load()

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return int(self._vectors.shape[1])

    def matrix(self, texts: Sequence[str]) -> Matrix:
        """One row of unit length for each text."""
        return unit(np.stack([self._mean(ids) for ids in self._ids(texts)]))

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        if len(texts) <= _FEW:
            return [self._words.ids(text) for text in texts]
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def _mean(self, ids: list[int]) -> Matrix:
        if not ids:
            return np.zeros(self.dimension, dtype=np.float32)
        mean: Matrix = self._vectors.take(ids, axis=0, mode="clip").mean(axis=0)
        return mean

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """LangChain's way to ask for many."""
        return self.matrix(texts).tolist() if texts else []

    def embed_query(self, text: str) -> list[float]:
        """LangChain's way to ask for one; queries and documents are embedded alike."""
        vector: list[float] = self.matrix([text])[0].tolist()
        return vector

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Computed at once: a thread would cost more than most texts do."""
        return self.embed_documents(texts)

    async def aembed_query(self, text: str) -> list[float]:
        """Computed at once: a thread would cost more than it saves."""
        return self.embed_query(text)


@cache
def _load() -> tuple[Any, WordTokens, Matrix]:
    """Tokenizer, its words and vectors, loaded once a process.

    The plain `load()` looks for the tokenizer in a folder the wheel does not have and then goes to the network; with
    the package's own folder as the cache it finds both files.
    """
    with _root_logger_untouched():
        import wordllama

    folder = Path(wordllama.__file__).parent
    model = wordllama.WordLlama.load(cache_dir=folder, disable_download=True)
    model.tokenizer.no_padding()
    return model.tokenizer, WordTokens(model.tokenizer), model.embedding


@contextmanager
def _root_logger_untouched() -> Iterator[None]:
    """Importing wordllama calls `logging.basicConfig(INFO)`: every library's chatter would reach the terminal."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers
