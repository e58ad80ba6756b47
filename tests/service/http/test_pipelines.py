from __future__ import annotations

from service.pipelines.schemas import ComparisonOut, ExplanationOut, PipelineOut
from service.prompts.schemas import PromptOut, PromptSummaryOut
from tests.service.http.conftest import ARTICLE, Live
from tests.service.http.test_refusals import assert_problem
from tests.support.openai_stub import Behaviour


def test_the_shipped_pipelines_are_listed_with_what_they_are_made_of(live: Live) -> None:
    items = live.get("/v1/pipelines").json()["items"]
    assert {"embedded", "zero-shot", "few-shot-base", "openai"} <= {item["name"] for item in items}
    for item in items:
        PipelineOut.model_validate(item)
        assert live.get(f"/v1/pipelines/{item['name']}").json() == item
    assert [item["name"] for item in items if item["default"]] == ["openai"]


def test_prompts_are_listed_and_shown_in_every_version(live: Live) -> None:
    items = live.get("/v1/prompts").json()["items"]
    for item in items:
        PromptSummaryOut.model_validate(item)
        shown = live.get(f"/v1/prompts/{item['name']}/{item['version']}").json()
        PromptOut.model_validate(shown)
        assert item.items() <= shown.items()
        latest = live.get(f"/v1/prompts/{item['name']}").json()
        assert latest["version"] == max(latest["versions"])


def test_nothing_tells_where_files_lie(live: Live) -> None:
    for path in ("/v1/pipelines", "/v1/prompts", "/v1/prompts/riddle", "/readyz"):
        assert "/site-packages" not in live.get(path).text
        assert ".yaml" not in live.get(path).text


def test_explaining_shows_examples_and_messages_and_calls_no_model(live: Live) -> None:
    response = live.post("/v1/pipelines/openai/explain", json={"article": ARTICLE})
    assert response.status_code == 200, response.text
    explanation = ExplanationOut.model_validate_json(response.content)
    assert live.stub.requests == []
    assert any(seen.kept for seen in explanation.examples)
    assert all(seen.kept or seen.reason for seen in explanation.examples)
    summarize = explanation.steps[0]
    assert summarize.step == "summarize"
    assert summarize.complete
    assert summarize.tokens > 0
    assert any(str(ARTICLE["text"]) in message.content for message in summarize.messages)


def test_what_explain_shows_is_what_is_sent(live: Live) -> None:
    explained = live.post("/v1/pipelines/openai/explain", json={"article": ARTICLE}).json()["steps"][0]
    live.make()
    sent = live.stub.requests[0].body["messages"]
    assert [message["content"] for message in sent] == [message["content"] for message in explained["messages"]]


def test_comparing_gives_results_side_by_side_and_keeps_nothing(live: Live) -> None:
    article = {**ARTICLE, "source": "compared"}
    body = {"article": article, "pipelines": ["openai", "openai"]}
    response = live.post("/v1/pipelines/compare", json=body)
    assert response.status_code == 200, response.text
    ComparisonOut.model_validate_json(response.content)
    results = response.json()["results"]
    assert [(one["pipeline"], one["error"]) for one in results] == [("openai", None)]
    assert live.get("/v1/riddles", params={"source": "compared"}).json()["items"] == []


def test_a_pipeline_that_fails_is_told_beside_those_that_do_not(live: Live, own_pipeline: str) -> None:
    live.stub.enqueue(Behaviour(status=400, message="no such model"))
    body = {"article": ARTICLE, "pipelines": ["openai", own_pipeline]}
    results = live.post("/v1/pipelines/compare", json=body).json()["results"]
    assert [one["pipeline"] for one in results] == ["openai", own_pipeline]
    failed = [one for one in results if one["error"]]
    assert len(failed) == 1
    assert failed[0]["riddle"] is None
    assert failed[0]["error"]["status"] == 502


def test_comparing_with_an_unknown_pipeline_runs_none(live: Live) -> None:
    body = {"article": ARTICLE, "pipelines": ["openai", "nope"]}
    assert_problem(live.post("/v1/pipelines/compare", json=body), 404)
    assert live.stub.requests == []


def test_comparing_nothing_or_too_much_is_refused(live: Live) -> None:
    for names in ([], ["openai"] * 9):
        assert_problem(live.post("/v1/pipelines/compare", json={"article": ARTICLE, "pipelines": names}), 422)


def test_explaining_an_unknown_pipeline_is_not_found(live: Live) -> None:
    assert_problem(live.post("/v1/pipelines/nope/explain", json={"article": ARTICLE}), 404)
