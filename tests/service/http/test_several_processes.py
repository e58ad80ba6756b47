"""Two services on one PostgreSQL: whichever answers, the caller cannot tell."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.service.http.conftest import ARTICLE, Live, serving, settings_for
from tests.service.http.test_examples import LINES, example, lines
from tests.service.http.test_streaming import STREAM, events_of
from tests.support.openai_stub import Behaviour

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.openai_stub import OpenAIStub
    from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def _both(
    tmp_path_factory: pytest.TempPathFactory, _stub: OpenAIStub, postgres: PostgresServer
) -> Iterator[tuple[Live, Live]]:
    url = postgres.new_database()
    first, second = (settings_for(tmp_path_factory.mktemp("home"), _stub, database_url=url) for _ in range(2))
    with serving(first, _stub) as one, serving(second, _stub) as other:
        yield one, other


@pytest.fixture
def both(_both: tuple[Live, Live], stub: OpenAIStub) -> tuple[Live, Live]:
    return _both


def test_what_one_made_the_other_has(both: tuple[Live, Live]) -> None:
    one, other = both
    made = one.make()
    assert made.status_code == 201
    assert other.get(made.headers["location"]).json() == made.json()
    streamed = events_of(one.post("/v1/riddles", json={"article": ARTICLE}, headers=STREAM).text)[-1]
    assert streamed[0] == "result"
    newest = other.get("/v1/riddles", params={"limit": 1}).json()["items"][0]
    assert newest == streamed[1]


def test_a_key_that_one_answered_is_replayed_by_the_other(both: tuple[Live, Live]) -> None:
    one, other = both
    first = one.make(Idempotency_Key="shared")
    again = other.make(Idempotency_Key="shared")
    assert again.headers["idempotency-replayed"] == "true"
    assert again.content == first.content


def test_a_key_that_one_works_on_is_in_progress_for_the_other(both: tuple[Live, Live]) -> None:
    one, other = both
    one.stub.enqueue(Behaviour(delay_s=1.0))
    busy = threading.Thread(target=lambda: one.make(Idempotency_Key="busy"))
    busy.start()
    time.sleep(0.5)
    assert other.make(Idempotency_Key="busy").status_code == 409
    busy.join()


def test_one_key_at_both_at_once_makes_one_riddle(both: tuple[Live, Live]) -> None:
    article = {**ARTICLE, "source": "herd of two"}
    with ThreadPoolExecutor(10) as pool:
        answers = pool.map(lambda n: both[n % 2].make(article, Idempotency_Key="herd"), range(40))
        assert {answer.status_code for answer in answers} <= {201, 409}
    assert len(both[0].get("/v1/riddles", params={"source": "herd of two"}).json()["items"]) == 1


def test_an_example_added_at_one_is_shown_in_the_next_riddle_of_the_other(both: tuple[Live, Live]) -> None:
    one, other = both
    added = one.post("/v1/examples", json=example(article=ARTICLE["text"] + " It was grey.")).json()
    assert added["id"] in _shown(other)
    with one.client() as client:
        client.delete(f"/v1/examples/{added['id']}")
    assert added["id"] not in _shown(other)


def test_imports_at_both_at_once_add_each_example_once(both: tuple[Live, Live]) -> None:
    body = lines(*[example() for _ in range(60)])
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda live: live.post("/v1/examples/import", content=body, headers=LINES), both))
    reports = [answer.json() for answer in answers]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert sum(report["added"] for report in reports) == 60
    assert sum(report["unchanged"] for report in reports) == 60


@pytest.mark.parametrize("path", ["/v1/riddles/%00", "/v1/examples/%00", "/v1/riddles/" + "x" * 3000])
def test_an_id_that_postgresql_cannot_hold_is_not_found(both: tuple[Live, Live], path: str) -> None:
    assert both[0].get(path).status_code == 404


def test_a_key_made_at_one_is_asked_for_by_the_other_within_two_seconds(both: tuple[Live, Live]) -> None:
    one, other = both
    headers = one.key("writer")
    assert other.get("/v1/riddles", headers=headers).status_code == 200
    deadline = time.monotonic() + 2
    while other.get("/v1/riddles").status_code != 401:
        assert time.monotonic() < deadline


def _shown(live: Live) -> list[str]:
    steps: list[dict[str, Any]] = live.make().json()["provenance"]["steps"]
    return [one for step in steps for one in step["example_ids"]]
