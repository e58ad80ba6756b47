from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.embeddings import DeterministicFakeEmbedding
from sqlalchemy import create_engine

from prompts import RetrievalSpec
from retrievers import index as index_module
from retrievers import nearby
from retrievers.chroma import open_chroma
from retrievers.embeddings import ProviderEmbeddings
from retrievers.examples import memory_engine, open_examples
from retrievers.index import ExampleIndex
from retrievers.selector import ExampleSelector
from retrievers.store import ExampleStore
from tests.support.articles import real_articles
from tests.support.examples import STORIES, an_example

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from domain import Example
    from retrievers.vectors import Matrix
    from retrievers.wordllama_embeddings import WordLlamaEmbeddings


def found(index: ExampleIndex, text: str = STORIES["sea"], n: int = 50, **options: str | None) -> set[str]:
    vector = index.encoder.encode([(None, text)])[0]
    return {hit.content_hash for hit in index.search(vector, n, **options)}


def hashes(*examples: Example) -> set[str]:
    return {example.content_hash for example in examples}


class CountingEmbeddings(ProviderEmbeddings):
    """Counts the texts that became rows of the index."""

    def __init__(self) -> None:
        super().__init__("fake:32", DeterministicFakeEmbedding(size=32))
        self.texts = 0

    def matrix(self, texts: Sequence[str]) -> Matrix:
        self.texts += len(texts)
        return super().matrix(texts)


def another_model() -> ProviderEmbeddings:
    return ProviderEmbeddings("fake:32", DeterministicFakeEmbedding(size=32))


def test_the_nearest_comes_first_with_its_cosine(store: ExampleStore, index: ExampleIndex) -> None:
    store.import_(an_example(topic) for topic in STORIES)
    index.sync()
    vector = index.encoder.encode([("Headline 0 about the sky", an_example("sky").article)])[0]
    first = index.search(vector, 3)[0]
    assert first.content_hash == an_example("sky").content_hash
    assert first.score == pytest.approx(1.0, abs=1e-5)


def test_an_empty_store_finds_nothing(index: ExampleIndex) -> None:
    index.sync()
    assert found(index) == set()


def test_the_index_follows_additions_edits_and_removals(store: ExampleStore, index: ExampleIndex) -> None:
    first, second = store.add(an_example()), store.add(an_example(number=2))
    index.sync()
    assert found(index) == hashes(first, second)
    edited = store.update(first.id, an_example(number=3))
    store.remove(second.id)
    index.sync()
    assert found(index) == hashes(edited)


def test_syncing_again_embeds_nothing(store: ExampleStore) -> None:
    model = CountingEmbeddings()
    index = ExampleIndex(open_chroma(), model, store)
    store.import_(an_example(number=number) for number in range(5))
    index.sync()
    index.sync()
    assert model.texts == 10  # headline and lead of each; none has a body after the lead


def test_two_stores_in_one_chroma_do_not_mix(embeddings: WordLlamaEmbeddings) -> None:
    with (
        open_examples(seed=False, embeddings=embeddings) as one,
        open_examples(seed=False, embeddings=embeddings) as two,
    ):
        one.add(an_example())
        two.add(an_example("sky"))
        assert found(one.index) == hashes(an_example())
        assert found(two.index) == hashes(an_example("sky"))


def test_a_folder_is_used_again_without_embedding(tmp_path: Path, store: ExampleStore) -> None:
    store.import_(an_example(number=number) for number in range(5))
    ExampleIndex(open_chroma(tmp_path), another_model(), store).sync()
    model = CountingEmbeddings()
    second = ExampleIndex(open_chroma(tmp_path), model, store)
    second.sync()
    assert (second.count(), model.texts) == (5, 0)


def test_another_embedding_rebuilds_and_leaves_nothing_behind(
    tmp_path: Path, store: ExampleStore, embeddings: WordLlamaEmbeddings
) -> None:
    client = open_chroma(tmp_path)
    store.import_([an_example(), an_example(number=1, tenant="acme")])
    ExampleIndex(client, another_model(), store).sync()
    index = ExampleIndex(client, embeddings, store)
    index.sync()
    assert found(index, tenant="acme") == hashes(an_example(), an_example(number=1, tenant="acme"))
    assert len(client.list_collections()) == 2


def test_the_same_name_with_another_dimension_rebuilds(store: ExampleStore) -> None:
    client = open_chroma()
    store.add(an_example())
    ExampleIndex(client, another_model(), store).sync()
    wider = ExampleIndex(client, ProviderEmbeddings("fake:32", DeterministicFakeEmbedding(size=48)), store)
    wider.sync()
    assert found(wider) == hashes(an_example())
    wider.close(delete=True)


def test_lost_collections_are_rebuilt_while_searching(store: ExampleStore, embeddings: WordLlamaEmbeddings) -> None:
    client = open_chroma()
    index = ExampleIndex(client, embeddings, store)
    store.add(an_example())
    index.sync()
    for collection in client.list_collections():
        if store.id in collection.name:
            client.delete_collection(collection.name)
    assert found(index) == hashes(an_example())
    index.close(delete=True)


def test_lost_vectors_are_found_missing_at_the_next_start(
    tmp_path: Path, store: ExampleStore, embeddings: WordLlamaEmbeddings
) -> None:
    client = open_chroma(tmp_path)
    store.import_(an_example(number=number) for number in range(3))
    ExampleIndex(client, embeddings, store).sync()
    client.list_collections()[0].delete(ids=[an_example(number=1).content_hash])
    index = ExampleIndex(client, embeddings, store)
    index.sync()
    assert len(found(index)) == 3


def test_an_index_from_the_future_of_a_restored_database_is_repaired(
    tmp_path: Path, store: ExampleStore, embeddings: WordLlamaEmbeddings
) -> None:
    client = open_chroma(tmp_path)
    store.add(an_example())
    first = ExampleIndex(client, embeddings, store)
    first.sync()
    first._partitions.record_revision(99)
    first._partitions.open(None).upsert(ids=["alien"], embeddings=np.eye(1, 256, dtype=np.float32))
    index = ExampleIndex(client, embeddings, store)
    index.sync()
    assert found(index) == hashes(an_example())


def test_a_folder_of_garbage_is_emptied_and_rebuilt(
    tmp_path: Path, store: ExampleStore, embeddings: WordLlamaEmbeddings
) -> None:
    (tmp_path / "chroma.sqlite3").write_text("this is no database")
    (tmp_path / "keep.txt").write_text("not Chroma's")
    store.add(an_example())
    index = ExampleIndex(open_chroma(tmp_path), embeddings, store)
    index.sync()
    assert found(index) == hashes(an_example())
    assert (tmp_path / "keep.txt").exists()


def test_processes_that_share_chroma_see_each_others_changes(tmp_path: Path, embeddings: WordLlamaEmbeddings) -> None:
    """Two indexes with their own engines over one database, as two processes have them."""
    url = f"sqlite:///{tmp_path}/examples.db"
    client = open_chroma()
    stores = [ExampleStore(create_engine(url)) for _ in range(2)]
    stores[0].create_tables()
    indexes = [ExampleIndex(client, embeddings, store) for store in stores]
    selectors = [ExampleSelector(store, index, embeddings) for store, index in zip(stores, indexes, strict=True)]
    kept = stores[0].add(an_example("sky", tenant="acme"))
    assert [scored.example for scored in selectors[1].search(STORIES["sky"], tenant="acme")] == [kept]
    edited = stores[1].update(kept.id, an_example("sky", 7, tenant="acme"))
    assert [scored.example for scored in selectors[0].search(STORIES["sky"], tenant="acme")] == [edited]
    stores[1].remove(kept.id)
    assert selectors[0].search(STORIES["sky"], tenant="acme") == []
    indexes[0].close(delete=True)
    for store in stores:
        store.engine.dispose()


def test_while_another_thread_rebuilds_a_selection_waits_once_and_never_shows_what_was_removed(
    store: ExampleStore, index: ExampleIndex, embeddings: WordLlamaEmbeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "PATIENCE_S", 0.05)
    first, second = store.add(an_example()), store.add(an_example(number=2))
    selector = ExampleSelector(store, index, embeddings)
    assert len(selector.search(STORIES["sea"])) == 2
    index._lock.acquire()
    store.remove(first.id)
    assert [scored.example for scored in selector.search(STORIES["sea"])] == [second]
    index._lock.release()
    assert [scored.example for scored in selector.search(STORIES["sea"])] == [second]


def test_what_was_removed_since_it_was_found_is_not_there(store: ExampleStore, index: ExampleIndex) -> None:
    gone = store.add(an_example())
    index.sync()
    store.remove(gone.id)
    assert index.vectors(list(store.by_hashes([gone.content_hash]))) == {}


def test_threads_that_change_and_select_at_once_end_in_agreement(
    store: ExampleStore, index: ExampleIndex, embeddings: WordLlamaEmbeddings
) -> None:
    selector = ExampleSelector(store, index, embeddings)
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            selector.search(STORIES["sea"])

    with ThreadPoolExecutor(6) as pool:
        lookers = [pool.submit(look) for _ in range(2)]
        writers = [pool.submit(lambda n: store.add(an_example(number=n)), number) for number in range(30)]
        ids = [writer.result().id for writer in writers]
        for example_id in ids[:10]:
            store.remove(example_id)
        stop.set()
        for looker in lookers:
            looker.result()
    index.sync()
    assert found(index) == hashes(*store.export())


tenants = st.sampled_from([None, "acme", "other"])
topics = st.sampled_from(["sea", "sky"])


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.lists(st.tuples(topics, st.integers(0, 9), tenants), max_size=25),
    asked=st.tuples(st.none() | topics, tenants, st.integers(1, 12)),
    small=st.sampled_from([-1, 5_000]),
    large_topic=st.sampled_from([0, 3, 20_000]),
)
def test_topic_and_tenant_filters_always_hold_and_lose_nothing(
    embeddings: WordLlamaEmbeddings,
    monkeypatch: pytest.MonkeyPatch,
    content: list[tuple[str, int, str | None]],
    asked: tuple[str | None, str | None, int],
    small: int,
    large_topic: int,
) -> None:
    monkeypatch.setattr(nearby, "SMALL", small)
    monkeypatch.setattr(nearby, "MAX_VECTORS", large_topic)
    topic, tenant, k = asked
    with open_examples(seed=False, embeddings=embeddings) as examples:
        examples.import_(an_example(topic, number, tenant=owner) for topic, number, owner in content)
        seen = [scored.example for scored in examples.search(STORIES["sea"], k, topic, tenant)]
        spec = RetrievalSpec(k=k, floor=-1.0)
        selection = examples.select(real_articles(1)[0], spec, topic=topic, tenant=tenant)
        allowed = {
            example.id
            for example in examples.store.export(all_tenants=True)
            if example.tenant in (None, tenant) and topic in (None, example.topic)
        }
    assert {example.id for example in seen} <= allowed
    assert {considered.id for considered in selection.considered} <= allowed
    assert len(seen) == min(k, len(allowed))


def test_a_topic_of_a_large_collection_is_searched_exactly_and_follows_changes(
    store: ExampleStore,
    index: ExampleIndex,
    embeddings: WordLlamaEmbeddings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nearby, "SMALL", 0)
    store.import_(an_example(topic, number) for topic in STORIES for number in range(20))
    selector = ExampleSelector(store, index, embeddings)
    seen = selector.search(STORIES["food"], 5, "sea")
    everything = selector.search(STORIES["food"], 120)
    assert seen == [scored for scored in everything if scored.example.topic == "sea"][:5]
    store.remove(seen[0].example.id)
    assert [scored.example for scored in selector.search(STORIES["food"], 4, "sea")] == [s.example for s in seen[1:]]
    assert selector.search(STORIES["food"], 5, "nothing") == []


def test_topics_are_forgotten_when_they_take_too_much_memory(
    store: ExampleStore, index: ExampleIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearby, "MAX_BYTES", 5_000)
    store.import_(an_example(topic, number) for topic in STORIES for number in range(4))
    index.sync()
    shelf, collection = nearby.VectorShelf(), index._partitions.open(None)
    for topic in STORIES:
        kept = shelf.get(collection, topic, 1)
        assert kept is not None
        assert len(kept.hashes) == 4
    assert list(shelf._kept) == [(str(collection.id), list(STORIES)[-1])]


def test_the_filter_holds_even_where_the_index_is_wrong(
    store: ExampleStore, index: ExampleIndex, embeddings: WordLlamaEmbeddings
) -> None:
    secret = store.add(an_example(tenant="acme"))
    index.sync()
    vector = index.vectors([secret.content_hash], "acme")[secret.content_hash]
    index._partitions.open(None).upsert(ids=[secret.content_hash], embeddings=vector[np.newaxis])
    assert ExampleSelector(store, index, embeddings).search(STORIES["sea"], tenant="other") == []


def test_memory_engines_are_separate() -> None:
    stores = [ExampleStore(memory_engine()) for _ in range(2)]
    for store in stores:
        store.create_tables()
    assert stores[0].id != stores[1].id
    for store in stores:
        store.engine.dispose()
