"""The cache of finished steps, seen from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.service.http.conftest import ARTICLE
from tests.service.http.test_streaming import STREAM, events_of

if TYPE_CHECKING:
    from tests.service.http.conftest import Live, Serve

ON = {"cache": {"enabled": True}}


def cached(riddle: dict[str, Any]) -> list[bool]:
    return [step["cached"] for step in riddle["provenance"]["steps"]]


def test_the_same_article_again_is_another_riddle_of_the_same_words_for_nothing(serve: Serve) -> None:
    live = serve(**ON)
    first, second = live.make(), live.make()
    assert len(live.stub.requests) == 2
    assert first.json()["id"] != second.json()["id"]
    assert first.json()["riddle"] == second.json()["riddle"]
    assert (cached(first.json()), cached(second.json())) == ([False, False], [True, True])
    nothing = {"input_tokens": 0, "output_tokens": 0, "cached_tokens": 0, "cost_usd": 0.0}
    assert second.json()["usage"] == nothing


@pytest.mark.parametrize("directive", ["no-cache", "max-age=0, No-Cache"])
def test_who_wants_no_cache_gets_a_fresh_answer(serve: Serve, directive: str) -> None:
    live = serve(**ON)
    live.make()
    fresh = live.make(Cache_Control=directive)
    assert cached(fresh.json()) == [False, False]
    assert len(live.stub.requests) == 4


def test_what_is_not_to_be_stored_is_neither_taken_nor_kept(serve: Serve) -> None:
    live = serve(**ON)
    live.make(Cache_Control="no-store")
    assert cached(live.make().json()) == [False, False]
    assert cached(live.make(Cache_Control="no-store").json()) == [False, False]


def test_a_remembered_riddle_is_streamed_with_all_its_events(serve: Serve) -> None:
    live = serve(**ON)
    made = live.make().json()
    told = events_of(live.post("/v1/riddles", json={"article": ARTICLE}, headers=STREAM).text)
    assert [name for name, *_ in told] == ["examples", "summary.delta", "summary", "riddle.delta", "riddle", "result"]
    assert told[-1][1]["riddle"] == made["riddle"]


def test_compared_pipelines_are_measured_not_remembered(serve: Serve) -> None:
    live = serve(**ON)
    live.make()
    live.post("/v1/pipelines/compare", json={"article": ARTICLE, "pipelines": ["openai"]})
    assert len(live.stub.requests) == 4


def test_it_can_be_switched_off(serve: Serve) -> None:
    live = serve(cache={"enabled": False})
    live.make()
    live.make()
    assert len(live.stub.requests) == 4


def test_what_was_kept_outlives_the_process(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("shared")
    database = f"sqlite:///{home / 'shared.db'}"
    serve(database_url=database, **ON).make()
    other: Live = serve(database_url=database, **ON)
    assert cached(other.make().json()) == [True, True]


def test_hits_and_misses_are_measured(serve: Serve) -> None:
    live = serve(**ON)
    before = lookups(live)
    live.make()
    live.make()
    assert {kind: count - before[kind] for kind, count in lookups(live).items()} == {"hit": 2, "miss": 2}


def lookups(live: Live) -> dict[str, float]:
    shown = live.get("/metrics").text
    name = "riddlewire_step_cache_lookups_total"
    found = dict.fromkeys(("hit", "miss"), 0.0)
    for line in shown.splitlines():
        for kind in found:
            if line.startswith(f'{name}{{outcome="{kind}"}}'):
                found[kind] = float(line.rpartition(" ")[2])
    return found
