from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrievers.chroma import open_chroma
from retrievers.examples import memory_engine, open_examples
from retrievers.index import ExampleIndex
from retrievers.store import ExampleStore
from retrievers.wordllama_embeddings import WordLlamaEmbeddings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrievers.examples import Examples


@pytest.fixture(scope="session")
def embeddings() -> WordLlamaEmbeddings:
    return WordLlamaEmbeddings()


@pytest.fixture
def store() -> Iterator[ExampleStore]:
    engine = memory_engine()
    store = ExampleStore(engine)
    store.create_tables()
    yield store
    engine.dispose()


@pytest.fixture
def index(store: ExampleStore, embeddings: WordLlamaEmbeddings) -> Iterator[ExampleIndex]:
    index = ExampleIndex(open_chroma(), embeddings, store)
    yield index
    index.close(delete=True)


@pytest.fixture(scope="module")
def shipped() -> Iterator[Examples]:
    """The shipped examples, in memory; shared, so only to be read."""
    with open_examples() as examples:
        yield examples
