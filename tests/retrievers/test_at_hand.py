"""A selection that needs nothing but memory is made on the event loop, and is the one that a thread would make."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding
from sqlalchemy import create_engine
from sqlalchemy.pool import QueuePool

from prompts import RetrievalSpec
from retrievers import Selection, nearby
from retrievers.embeddings import ProviderEmbeddings
from retrievers.examples import open_examples
from retrievers.index import ExampleIndex
from tests.support.articles import real_articles
from tests.support.examples import an_example

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from retrievers.embeddings import EmbeddingModel
    from retrievers.examples import Examples
    from retrievers.vectors import Matrix

SPEC = RetrievalSpec(k=4, floor=-1.0)
ARTICLE = real_articles(1)[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@contextmanager
def opened(folder: Path, embeddings: EmbeddingModel | str = "embedded:wordllama") -> Iterator[Examples]:
    engine = create_engine(f"sqlite:///{folder / 'examples.db'}")
    with open_examples(engine=engine, chroma=folder / "chroma", embeddings=embeddings) as examples:
        yield examples
    engine.dispose()


@pytest.fixture
def examples(folder: Path) -> Iterator[Examples]:
    with opened(folder) as examples:
        yield examples


class Threads:
    """Remembers in which threads the index was searched the long way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[bool] = []
        refresh = ExampleIndex.refresh

        def watched(index: ExampleIndex) -> bool:
            self.seen.append(threading.current_thread() is threading.main_thread())
            return refresh(index)

        monkeypatch.setattr(ExampleIndex, "refresh", watched)

    @property
    def asked(self) -> list[bool]:
        """Since the last look: whether each was on the main thread."""
        seen, self.seen = self.seen, []
        return seen


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Threads:
    return Threads(monkeypatch)


async def both(examples: Examples, **options: Any) -> tuple[Selection, Selection]:
    return await examples.aselect(ARTICLE, SPEC, **options), examples.select(ARTICLE, SPEC, **options)


async def test_only_the_first_selection_takes_a_thread(examples: Examples, threads: Threads) -> None:
    first = await examples.aselect(ARTICLE, SPEC)
    assert threads.asked == [False]
    assert await examples.aselect(ARTICLE, SPEC) == first
    assert threads.asked == []
    for article in real_articles(30):
        quick, slow = await examples.aselect(article, SPEC), examples.select(article, SPEC)
        assert (quick, quick.considered) == (slow, slow.considered)


async def test_changes_of_this_and_of_another_process_are_seen_at_once(
    examples: Examples, folder: Path, threads: Threads
) -> None:
    await examples.aselect(ARTICLE, SPEC)
    mine = examples.add(an_example())
    quick, slow = await both(examples)
    assert quick == slow
    with opened(folder) as another:
        another.remove(quick.examples[-1].example.id)
        another.remove(mine.id)
    threads.seen.clear()
    after = await examples.aselect(ARTICLE, SPEC)
    assert threads.asked == [False]
    assert quick.examples[-1].example.id not in {considered.id for considered in after.considered}
    assert after == examples.select(ARTICLE, SPEC)


async def test_a_tenant_sees_its_own_and_no_other_does(examples: Examples) -> None:
    own = examples.add(an_example(tenant="a", article=ARTICLE.text + " And more."))
    for _ in range(2):
        (quick, slow), (others, _) = await both(examples, tenant="a"), await both(examples, tenant="b")
        assert quick == slow
        assert quick.examples[-1].example.id == own.id
        assert own.id not in {considered.id for considered in others.considered}


async def test_a_topic_is_held_to(examples: Examples) -> None:
    for _ in range(2):
        quick, slow = await both(examples, topic="sport")
        assert quick == slow
        assert {scored.example.topic for scored in quick.examples} == {"sport"}


async def test_a_large_collection_is_searched_in_a_thread(
    examples: Examples, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearby, "SMALL", 10)
    for _ in range(3):
        await examples.aselect(ARTICLE, SPEC)
    assert threads.asked == [False] * 3


async def test_embeddings_of_a_provider_are_asked_in_a_thread(folder: Path, threads: Threads) -> None:
    asked: list[bool] = []

    class Remote(ProviderEmbeddings):
        def matrix(self, texts: Sequence[str]) -> Matrix:
            asked.append(threading.current_thread() is threading.main_thread())
            return super().matrix(texts)

    with opened(folder, Remote("fake:32", DeterministicFakeEmbedding(size=32))) as examples:
        asked.clear()
        for _ in range(2):
            await examples.aselect(ARTICLE, SPEC)
    assert asked == [False] * 2
    assert threads.asked == [False], "what is near was in memory the second time"


async def test_a_database_whose_connections_are_all_taken_is_asked_in_a_thread(
    examples: Examples, threads: Threads
) -> None:
    await examples.aselect(ARTICLE, SPEC)
    threads.seen.clear()
    taken = []
    pool = examples.store.engine.pool
    assert isinstance(pool, QueuePool)
    while pool.checkedin():
        taken.append(examples.store.engine.connect())
    await examples.aselect(ARTICLE, SPEC)
    assert threads.asked == [False]
    for connection in taken:
        connection.close()
    await examples.aselect(ARTICLE, SPEC)
    assert threads.asked == []


async def test_nobody_waits_on_the_loop_for_another_threads_look_into_chroma(
    examples: Examples, threads: Threads
) -> None:
    await examples.aselect(ARTICLE, SPEC)
    threads.seen.clear()
    lock = examples.index._nearby._lock
    lock.acquire()
    threading.Timer(0.2, lock.release).start()
    await examples.aselect(ARTICLE, SPEC)
    assert threads.asked == [False]


async def test_a_selection_is_recalled_as_it_was_whatever_is_near_by_now(examples: Examples) -> None:
    made = await examples.aselect(ARTICLE, SPEC)
    chosen = [(scored.example.content_hash, scored.score) for scored in made.examples]
    nearest = examples.add(an_example(article=f"{ARTICLE.text} And more.", headline=ARTICLE.title or ""))
    assert nearest.id in [scored.example.id for scored in (await examples.aselect(ARTICLE, SPEC)).examples]
    assert await examples.arecall(chosen) == made
    examples.remove(made.examples[0].example.id)
    assert await examples.arecall(chosen) is None, "what was removed is shown no more"
    assert await examples.arecall([]) == Selection()


async def test_a_selection_is_recalled_for_who_may_see_it(examples: Examples) -> None:
    own = examples.add(an_example(tenant="acme", topic="sea"))
    chosen = [(own.content_hash, 0.5)]
    assert await examples.arecall(chosen, tenant="acme", topic="sea") is not None
    assert await examples.arecall(chosen, tenant="other") is None
    assert await examples.arecall(chosen) is None
    assert await examples.arecall(chosen, tenant="acme", topic="sport") is None
