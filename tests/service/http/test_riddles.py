from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from service.riddles.schemas import RiddleOut
from tests.service.http.conftest import ARTICLE, Live


def made(live: Live, **article: Any) -> dict[str, Any]:
    response = live.make({**ARTICLE, **article})
    assert response.status_code == 201, response.text
    body: dict[str, Any] = response.json()
    return body


def test_an_article_becomes_a_stored_riddle_with_everything_the_contract_names(live: Live) -> None:
    response = live.make()
    assert response.status_code == 201
    assert response.headers["content-type"] == "application/json"
    riddle = response.json()
    assert response.headers["location"] == f"/v1/riddles/{riddle['id']}"
    RiddleOut.model_validate_json(response.content, strict=True)
    assert riddle["status"] == "published", riddle["checks"]
    assert riddle["answer"] == "mended stone crossing"
    assert riddle["article"] == {
        "id": riddle["article"]["id"],
        "title": ARTICLE["title"],
        "url": ARTICLE["url"],
        "source": ARTICLE["source"],
        "published_at": "2026-03-02T08:30:00Z",
    }
    assert riddle["pipeline"] == "openai"
    steps = riddle["provenance"]["steps"]
    assert [step["step"] for step in steps] == ["summarize", "riddle"]
    assert all(re.fullmatch(r"[\w-]+@\d+(-draft\.\w+)?", step["prompt"]) for step in steps)
    assert all(step["model"].startswith("openai:") and step["example_ids"] for step in steps)
    assert riddle["usage"]["input_tokens"] > 0
    assert riddle["timings_ms"]["total"] >= riddle["timings_ms"]["summarize"] > 0
    assert abs((datetime.fromisoformat(riddle["created_at"]) - datetime.now(UTC)).total_seconds()) < 60


def test_what_was_answered_is_what_is_stored(live: Live) -> None:
    response = live.make()
    assert live.get(response.headers["location"]).json() == response.json()


def test_the_pipeline_of_the_request_is_used(live: Live) -> None:
    body = {"article": ARTICLE, "pipeline": "no-such-pipeline"}
    response = live.post("/v1/riddles", json=body)
    assert response.status_code == 404
    assert "no-such-pipeline" in response.json()["detail"]
    assert "openai" in response.json()["detail"]


def test_blank_optional_fields_count_as_not_sent(live: Live) -> None:
    riddle = made(live, title=" \u200b", source="")
    assert riddle["article"]["title"] is None
    assert riddle["article"]["source"] is None


def test_a_riddle_that_fails_the_gate_is_kept_for_review_with_its_failing_checks(live: Live) -> None:
    from tests.support.openai_stub import NO_RIDDLE

    live.stub.enqueue("A bridge was mended.", *[NO_RIDDLE] * 10)
    riddle = made(live)
    assert riddle["status"] == "needs_review"
    assert any(not check["passed"] for check in riddle["checks"])
    assert riddle["answer"] is None
    assert riddle["riddle"] is None


def test_lists_are_newest_first_and_page_without_gaps_or_repeats(live: Live) -> None:
    source = "pages"
    ids = [made(live, source=source, title=f"Bridge {n}")["id"] for n in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params: dict[str, Any] = {"source": source, "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = live.get("/v1/riddles", params=params).json()
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"source": "filters"}, True),
        ({"source": "another"}, False),
        ({"source": "filters", "day": datetime.now(UTC).date().isoformat()}, True),
        ({"source": "filters", "day": "2020-01-01"}, False),
        ({"source": "filters", "pipeline": "openai"}, True),
        ({"source": "filters", "pipeline": "embedded"}, False),
        ({"source": "filters", "status": "published"}, True),
        ({"source": "filters", "status": "needs_review"}, False),
        ({"source": "filters", "q": "wAtEr beneath"}, True),
        ({"source": "filters", "q": "%"}, False),
    ],
)
def test_lists_filter(live: Live, filters: dict[str, str], found: bool) -> None:
    made(live, source="filters")
    items = live.get("/v1/riddles", params=filters).json()["items"]
    assert bool(items) is found


@pytest.mark.parametrize("path", ["/v1/riddles/rid_unknown", "/v1/riddles/%00", "/v1/riddles/" + "x" * 4000])
def test_an_unknown_riddle_is_not_found(live: Live, path: str) -> None:
    response = live.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert len(response.content) < 1500


def test_the_callers_examples_reach_the_prompt_most_similar_last(live: Live) -> None:
    riddle = made(live)
    shown = riddle["provenance"]["steps"][0]["example_ids"]
    nearest = live.get(f"/v1/examples/{shown[-1]}").json()
    first_call = live.stub.requests[0].text
    assert nearest["summary"] in first_call
    positions = [first_call.index(live.get(f"/v1/examples/{one}").json()["summary"]) for one in shown]
    assert positions == sorted(positions)
