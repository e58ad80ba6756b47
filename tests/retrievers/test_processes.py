"""Several processes over one PostgreSQL and one Chroma server, with nothing replaced."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError

from retrievers.chroma import InvalidChromaUrl, open_chroma
from retrievers.errors import IndexUnavailable
from retrievers.examples import open_examples
from retrievers.store import ExampleStore
from tests.support.chroma import chroma_server
from tests.support.examples import STORIES, an_example

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from retrievers.wordllama_embeddings import WordLlamaEmbeddings
    from tests.support.postgres import PostgresServer


@pytest.fixture(scope="module")
def chroma_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with chroma_server(tmp_path_factory.mktemp("chroma")) as (_, url):
        yield url


@pytest.fixture
def database(postgres: PostgresServer) -> str:
    return postgres.new_database().replace("postgresql://", "postgresql+psycopg://")


OTHER_PROCESS = """
import sys
from sqlalchemy import create_engine
from retrievers import open_examples
from tests.support.examples import an_example
engine = create_engine(sys.argv[1])
with open_examples(engine=engine, chroma=sys.argv[2], seed=False) as examples:
    numbers = range(int(sys.argv[3]), int(sys.argv[3]) + 10)
    mine = [examples.add(an_example(number=number, tenant="acme" if number % 2 else None)) for number in numbers]
    examples.remove(mine[-2].id)
engine.dispose()
"""


@pytest.mark.postgres
def test_what_other_processes_change_is_seen_by_the_next_selection(
    database: str, chroma_url: str, embeddings: WordLlamaEmbeddings
) -> None:
    engine = create_engine(database)
    with open_examples(engine=engine, chroma=chroma_url, embeddings=embeddings, seed=False) as examples:
        assert examples.search(STORIES["sea"], 100) == []
        command = [sys.executable, "-c", OTHER_PROCESS, database, chroma_url]
        others = [subprocess.Popen([*command, str(start)]) for start in (0, 100)]
        assert [other.wait(120) for other in others] == [0, 0]
        seen = {scored.example for scored in examples.search(STORIES["sea"], 100, tenant="acme")}
        assert len(seen) == examples.index.count() == examples.store.count() == 18
        assert seen == set(examples.store.export("acme"))
    engine.dispose()


@pytest.mark.postgres
def test_writers_on_postgresql_take_turns_and_lose_nothing(database: str) -> None:
    engine = create_engine(database, pool_size=8)
    store = ExampleStore(engine)
    store.create_tables()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store.add(an_example(number=number % 30)), range(90)))
    assert store.count() == store.revision() == 30
    engine.dispose()


@pytest.mark.postgres
def test_one_process_at_a_time_updates_a_shared_index(database: str) -> None:
    engines = [create_engine(database) for _ in range(2)]
    stores = [ExampleStore(engine) for engine in engines]
    stores[0].create_tables()
    assert stores[0].id == stores[1].id
    with stores[0].index_lock(), pytest.raises(OperationalError), stores[1].index_lock(patience_s=0.05):
        pass
    with stores[1].index_lock(patience_s=0.05):
        pass
    for engine in engines:
        engine.dispose()


def test_the_store_works_on_the_services_migrated_databases(engine: Engine, embeddings: WordLlamaEmbeddings) -> None:
    with open_examples(engine=engine, embeddings=embeddings) as examples:
        assert examples.store.count() == 480
        kept = examples.add(an_example(tenant="acme"))
        edited = examples.update(kept.id, an_example(number=5, tenant="acme"))
        assert examples.search(STORIES["sea"], 1, tenant="acme")[0].example == edited
        examples.remove(kept.id)
        assert len(examples.store.list(limit=500).items) == 480
        page = examples.store.list(limit=100)
        assert page.next_cursor
        assert not {e.id for e in page.items} & {e.id for e in examples.store.list(100, page.next_cursor).items}


def test_a_server_that_does_not_answer_is_named() -> None:
    with pytest.raises(IndexUnavailable, match=r"http://127\.0\.0\.1:9"):
        open_chroma("http://127.0.0.1:9")


def test_a_server_that_goes_away_is_an_error_of_ours(tmp_path: Path, embeddings: WordLlamaEmbeddings) -> None:
    with chroma_server(tmp_path) as (server, url):
        examples = open_examples(chroma=url, embeddings=embeddings, seed=False)
        examples.add(an_example())
        server.kill()
    with pytest.raises(IndexUnavailable):
        examples.search(STORIES["sea"])
    examples.close()


@pytest.mark.parametrize("url", ["ftp://chroma:1", "http://", "http://host/path", "redis://x"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidChromaUrl, match="http://host:port"):
        open_chroma(url)
