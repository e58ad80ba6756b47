"""The pre-made examples as one thing: store, index, embeddings and selector that belong together."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from sqlalchemy import create_engine
from sqlalchemy.pool import QueuePool

from retrievers.chroma import close_chroma, open_chroma
from retrievers.embeddings import EMBEDDED, load_embeddings
from retrievers.index import ExampleIndex
from retrievers.jsonl import read_examples, split_rejected
from retrievers.selector import ExampleSelector
from retrievers.shipped import seed as seed_store
from retrievers.store import ExampleStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from chromadb.api import ClientAPI
    from sqlalchemy import Engine

    from domain import Article, Example
    from prompts import RetrievalSpec
    from retrievers.embeddings import EmbeddingModel
    from retrievers.importing import ImportReport, Rejected
    from retrievers.selection import Scored, Selection


class Examples:
    """Changes go to the store and then into the index, so the next selection sees them. Safe in threads.

    Args:
        store: The truth.
        index: Over that store.
        selector: Over both.
        on_close: What to let go of at the end.
    """

    def __init__(
        self,
        store: ExampleStore,
        index: ExampleIndex,
        selector: ExampleSelector,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self.store = store
        self.index = index
        self.selector = selector
        self._on_close = on_close

    @property
    def embeddings(self) -> EmbeddingModel:
        """The model that index and selector share."""
        return self.selector.embeddings

    def select(self, article: Article, spec: RetrievalSpec, **options: Any) -> Selection:
        """See `ExampleSelector.select`."""
        return self.selector.select(article, spec, **options)

    async def aselect(self, article: Article, spec: RetrievalSpec, **options: Any) -> Selection:
        """See `ExampleSelector.select`; runs in a thread."""
        return await self.selector.aselect(article, spec, **options)

    async def arecall(self, chosen: Sequence[tuple[str, float]], **options: Any) -> Selection | None:
        """See `ExampleSelector.recall`; runs in a thread."""
        return await asyncio.to_thread(self.selector.recall, chosen, **options)

    async def aranks(self, article: Article, texts: Sequence[str], **options: Any) -> list[int]:
        """See `ExampleSelector.ranks`; runs in a thread."""
        return await asyncio.to_thread(self.selector.ranks, article, texts, **options)

    def search(self, text: str, k: int = 4, topic: str | None = None, tenant: str | None = None) -> list[Scored]:
        """See `ExampleSelector.search`."""
        return self.selector.search(text, k, topic, tenant)

    async def asearch(self, text: str, k: int = 4, topic: str | None = None, tenant: str | None = None) -> list[Scored]:
        """See `ExampleSelector.search`; runs in a thread."""
        return await asyncio.to_thread(self.search, text, k, topic, tenant)

    def add(self, example: Example) -> Example:
        """See `ExampleStore.add`."""
        stored = self.store.add(example)
        self.index.sync()
        return stored

    def update(self, example_id: str, example: Example) -> Example:
        """See `ExampleStore.update`."""
        stored = self.store.update(example_id, example)
        self.index.sync()
        return stored

    def remove(self, example_id: str) -> None:
        """See `ExampleStore.remove`."""
        self.store.remove(example_id)
        self.index.sync()

    def import_(self, records: Iterable[Example]) -> ImportReport:
        """See `ExampleStore.import_`."""
        report = self.store.import_(records)
        self.index.sync()
        return report

    def import_jsonl(self, stream: BinaryIO, *, tenant: str | None = None) -> ImportReport:
        """Import JSON lines; a line that cannot be used is reported with its number and does not stop the others.

        Args:
            stream: See `retrievers.jsonl.read_examples`.
            tenant: Whose they become; None keeps what each line says.
        """
        rejected: list[Rejected] = []
        records = list(split_rejected(read_examples(stream, tenant=tenant), rejected))
        report = self.store.import_(records, rejected=rejected)
        self.index.sync()
        return report

    def close(self) -> None:
        """Let go of what `open_examples` opened; what was given to it stays open."""
        if self._on_close is not None:
            self._on_close()
            self._on_close = None

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close."""
        self.close()


def open_examples(
    *,
    engine: Engine | None = None,
    chroma: ClientAPI | Path | str | None = None,
    embeddings: EmbeddingModel | str = EMBEDDED,
    seed: bool = True,
) -> Examples:
    """Open the examples, by default in memory with those that ship with the package.

    Args:
        engine: SQLite or PostgreSQL; tables that are missing are created. None keeps everything in memory.
        chroma: A client, a folder, a server's URL, or None for memory.
        embeddings: A model or its name, see `load_embeddings`.
        seed: Bring in the shipped examples.

    Raises:
        ConfigurationError: A name or address cannot be used.
        IndexUnavailable: Chroma cannot be reached.
    """
    model = load_embeddings(embeddings) if isinstance(embeddings, str) else embeddings
    client = open_chroma(chroma) if chroma is None or isinstance(chroma, str | Path) else chroma
    used_engine = memory_engine() if engine is None else engine
    store = ExampleStore(used_engine)
    store.create_tables()
    if seed:
        seed_store(store)
    index = ExampleIndex(client, model, store)
    index.sync()

    def close() -> None:
        index.close(delete=chroma is None)
        if client is not chroma:
            close_chroma(client)
        if engine is None:
            used_engine.dispose()

    return Examples(store, index, ExampleSelector(store, index, model), close)


def memory_engine() -> Engine:
    """SQLite in memory, on the one connection that holds it: threads wait for each other."""
    return create_engine(
        "sqlite://",
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        connect_args={"check_same_thread": False},
    )
