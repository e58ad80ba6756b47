from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.service.http.conftest import ARTICLE, Live
from tests.service.http.test_refusals import assert_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = {"Content-Type": "application/x-ndjson"}


def example(**changes: Any) -> dict[str, Any]:
    """An example nobody has yet."""
    mark = uuid.uuid4().hex
    return {
        "headline": f"Lighthouse {mark} painted blue",
        "topic": "culture",
        "article": f"The lighthouse keeper of {mark} painted the tower blue on Friday.",
        "summary": f"The tower of {mark} is blue now.",
        "answer": "a blue tower",
        "riddle": "I stand by the sea and wink at night,\nOnce I was red but now I am not.",
        "hints": ["Ships know me."],
        **changes,
    }


def lines(*records: object) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def test_the_shipped_examples_are_there_and_page_to_the_end(live: Live) -> None:
    seen: list[str] = []
    cursor: str | None = None
    with live.client() as client:
        while True:
            page = client.get("/v1/examples", params={"limit": 100} | ({"cursor": cursor} if cursor else {})).json()
            seen += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
    assert len(seen) == len(set(seen)) >= 480


def test_an_example_lives_from_post_to_delete(live: Live) -> None:
    given = example()
    added = live.post("/v1/examples", json=given)
    assert added.status_code == 201
    more = {"id": added.json()["id"], "origin": "added", "status": "approved", "provenance": None}
    assert added.json() == {**given, **more}
    path = added.headers["location"]
    assert live.get(path).json() == added.json()
    changed = example()
    with live.client() as client:
        assert client.put(path, json=changed).json() == {**added.json(), **changed}
        assert client.get(path).json()["summary"] == changed["summary"]
        assert client.delete(path).status_code == 204
        assert_problem(client.get(path), 404)
        assert_problem(client.put(path, json=changed), 404)
        assert_problem(client.delete(path), 404)


def test_adding_the_same_content_again_gives_the_one_that_is_there(live: Live) -> None:
    given = example()
    first, again = (live.post("/v1/examples", json=given).json() for _ in range(2))
    assert first["id"] == again["id"]


def test_a_search_finds_the_nearest_first_with_its_score(live: Live) -> None:
    given = live.post("/v1/examples", json=example()).json()
    found = live.get("/v1/examples", params={"query": given["article"], "k": 3}).json()["items"]
    assert found[0]["id"] == given["id"]
    scores = [item["score"] for item in found]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 3
    assert 0.5 < scores[0] <= 1.0


def test_a_topic_narrows_lists_and_searches(live: Live) -> None:
    live.post("/v1/examples", json=example(topic="lighthouses"))
    for params in ({"topic": "lighthouses"}, {"topic": "lighthouses", "query": "a storm", "k": "10"}):
        items = live.get("/v1/examples", params=params).json()["items"]
        assert items
        assert {item["topic"] for item in items} == {"lighthouses"}


def test_the_next_riddle_shows_an_example_that_was_just_added_and_no_more_when_it_was_removed(live: Live) -> None:
    added = live.post("/v1/examples", json=example(article=ARTICLE["text"] + " It was blue.")).json()
    assert added["id"] in _shown(live)
    with live.client() as client:
        client.delete(f"/v1/examples/{added['id']}")
    assert added["id"] not in _shown(live)


def _shown(live: Live) -> list[str]:
    steps: list[dict[str, Any]] = live.make().json()["provenance"]["steps"]
    return [one for step in steps for one in step["example_ids"]]


@pytest.mark.parametrize(
    "change",
    [
        {"article": ""},
        {"summary": " "},
        {"answer": None},
        {"riddle": "a\x00b"},
        {"hints": "one"},
        {"hints": [""]},
        {"hints": ["a"] * 21},
        {"topic": "x" * 101},
        {"tenant": "mine"},
        {"origin": "shipped"},
        {"extra": 1},
    ],
)
def test_an_example_that_cannot_be_used_is_refused(live: Live, change: dict[str, Any]) -> None:
    assert_problem(live.post("/v1/examples", json=example(**change)), 422)


def test_an_import_reports_every_line_and_twice_the_same_changes_nothing(live: Live) -> None:
    good, other = example(), example()
    body = lines(good) + b"\n  \n{nonsense\n" + lines(other, {"article": "only"}, [], example(answer=" "))
    report = live.post("/v1/examples/import", content=body, headers=LINES).json()
    assert (report["added"], report["updated"], report["unchanged"]) == (2, 0, 0)
    assert [one["line"] for one in report["rejected"]] == [4, 6, 7, 8]
    again = live.post("/v1/examples/import", content=body, headers=LINES).json()
    assert (again["added"], again["updated"], again["unchanged"]) == (0, 0, 2)


def test_an_import_may_come_in_pieces_that_split_lines_and_characters(live: Live) -> None:
    body = lines(*[example(headline=f"Größe {n} ☃") for n in range(450)]).replace(b"\\u", b"\\u")

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(body), 997):
            yield body[start : start + 997]

    report = live.post("/v1/examples/import", content=pieces(), headers=LINES).json()
    assert report == {"added": 450, "updated": 0, "unchanged": 0, "rejected": []}


def test_an_export_imports_again_unchanged(live: Live) -> None:
    exported = live.get("/v1/examples/export")
    assert exported.headers["content-type"].startswith("application/x-ndjson")
    count = len(exported.content.splitlines())
    assert count >= 480
    report = live.post("/v1/examples/import", content=exported.content, headers=LINES).json()
    assert report == {"added": 0, "updated": 0, "unchanged": count, "rejected": []}


def test_an_edited_export_updates_the_example_it_came_from(live: Live) -> None:
    added = live.post("/v1/examples", json=example()).json()
    edited = {**added, "summary": added["summary"] + " It can be seen from afar."}
    report = live.post("/v1/examples/import", content=lines(edited), headers=LINES).json()
    assert report["updated"] == 1
    assert live.get(f"/v1/examples/{added['id']}").json()["summary"] == edited["summary"]


def test_an_overlong_line_is_rejected_and_the_next_one_taken(live: Live) -> None:
    body = lines(example(article="a" * 1_500_000), example())
    report = live.post("/v1/examples/import", content=body, headers=LINES).json()
    assert report["added"] == 1
    assert [one["line"] for one in report["rejected"]] == [1]


def test_an_import_of_another_type_is_refused(live: Live) -> None:
    assert_problem(live.post("/v1/examples/import", json=[example()]), 415)
    assert_problem(live.post("/v1/examples/import", content=b"x", headers={"Content-Type": "text/csv"}), 415)
