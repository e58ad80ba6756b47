from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from service.storage.job_queue import JobQueue
from tests.service.http.batches import articles, finished, results
from tests.support.openai_stub import Behaviour

if TYPE_CHECKING:
    from tests.service.http.conftest import Live


def test_a_batch_is_done_and_its_results_come_in_input_order(live: Live) -> None:
    sent = articles(5, "order")
    answer = live.post("/v1/batches", json={"articles": sent})
    told = answer.json()
    assert told["counts"]["total"] == 5
    assert told["finished_at"] is None
    batch = finished(live, answer)
    assert batch["status"] == "done"
    assert batch["eta_seconds"] == 0
    assert batch["counts"]["published"] + batch["counts"]["needs_review"] == 5
    items = results(live, batch)
    assert [item["index"] for item in items] == [0, 1, 2, 3, 4]
    for item, article in zip(items, sent, strict=True):
        stored = live.get(f"/v1/riddles/{item['riddle']['id']}").json()
        assert stored == item["riddle"]
        assert stored["article"]["title"] == article["title"]


def test_json_lines_are_a_batch_too(live: Live) -> None:
    body = "\n".join(json.dumps(article) for article in articles(3, "lines")) + "\n\n"
    answer = live.post("/v1/batches", content=body, headers={"Content-Type": "application/x-ndjson"})
    assert finished(live, answer)["counts"]["total"] == 3


def test_a_batch_with_one_bad_article_is_refused_whole_and_names_it(live: Live) -> None:
    before = JobQueue(live.resources.engine).waiting(), len(live.stub.requests)
    good = articles(2, "refused")
    as_json = live.post("/v1/batches", json={"articles": [*good, {"text": " "}]})
    assert as_json.status_code == 422
    assert as_json.json()["errors"][0]["loc"] == ["body", "articles", 2, "text"]
    lines = "\n".join(map(json.dumps, [good[0], {"text": "x", "color": "red"}, good[1]])) + "\nnonsense"
    as_lines = live.post("/v1/batches", content=lines, headers={"Content-Type": "application/x-ndjson"})
    assert as_lines.status_code == 422
    assert [error["loc"][:2] for error in as_lines.json()["errors"]] == [["body", 2], ["body", 4]]
    empty = live.post("/v1/batches", json={"articles": []})
    assert empty.status_code == 422
    assert live.post("/v1/batches", content=b"\n", headers={"Content-Type": "application/x-ndjson"}).status_code == 422
    time.sleep(0.3)
    assert (JobQueue(live.resources.engine).waiting(), len(live.stub.requests)) == before


def test_the_same_text_is_worked_once_within_a_batch_and_within_the_window(live: Live) -> None:
    one, other = articles(2, "twins")
    batch = finished(live, live.post("/v1/batches", json={"articles": [one, other, one]}))
    asked = len(live.stub.requests)
    items = results(live, batch)
    assert items[0]["riddle"] == items[2]["riddle"]
    assert items[0]["riddle"]["id"] != items[1]["riddle"]["id"]
    again = live.post("/v1/batches", json={"articles": [other]})
    assert again.json()["status"] == "done"
    assert results(live, again.json())[0]["riddle"]["id"] == items[1]["riddle"]["id"]
    assert len(live.stub.requests) == asked


def test_an_article_comes_back_as_it_was_sent_whosever_riddle_it_gets(live: Live) -> None:
    (first,) = articles(1, "metadata")
    sent = [
        first,
        {**first, "title": "B", "url": "https://b.example/2", "source": "Elsewhere"},
        {"text": first["text"]},
        {**first, "published_at": "2026-03-01T10:00:00+02:00"},
    ]
    items = results(live, finished(live, live.post("/v1/batches", json={"articles": sent})))
    items += results(live, finished(live, live.post("/v1/batches", json={"articles": sent[1:2]})))
    assert len({item["riddle"]["id"] for item in items}) == 1
    for item, article in zip(items, [*sent, sent[1]], strict=True):
        told = item["riddle"]["article"]
        assert [told[name] for name in ("title", "url", "source")] == [
            article.get(name) for name in ("title", "url", "source")
        ]
    assert len({item["riddle"]["article"]["id"] for item in items}) == 4
    assert items[3]["riddle"]["article"]["published_at"] == "2026-03-01T08:00:00Z"
    stored = live.get(f"/v1/riddles/{items[1]['riddle']['id']}").json()
    assert stored["article"] == items[0]["riddle"]["article"], "the riddle itself was made of the first"


def test_the_same_idempotency_key_makes_one_batch(live: Live) -> None:
    body = {"articles": articles(2, "key")}
    first = live.post("/v1/batches", json=body, headers={"Idempotency-Key": "batch-1"})
    again = live.post("/v1/batches", json=body, headers={"Idempotency-Key": "batch-1"})
    assert again.status_code == 202
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.content == first.content
    assert again.headers["Location"] == first.headers["Location"]
    other = live.post("/v1/batches", json={"articles": articles(1)}, headers={"Idempotency-Key": "batch-1"})
    assert other.status_code == 422
    finished(live, first)


def test_the_same_idempotency_key_with_another_pipeline_in_the_url_is_another_request(live: Live) -> None:
    body = "\n".join(map(json.dumps, articles(1, "query")))
    headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": "batch-2"}
    first = live.post("/v1/batches", params={"pipeline": "openai"}, content=body, headers=headers)
    assert first.status_code == 202, first.text
    again = live.post("/v1/batches", params={"pipeline": "openai"}, content=body, headers=headers)
    assert again.content == first.content
    for other in ({"pipeline": "zero-shot"}, {}):
        refused = live.post("/v1/batches", params=other, content=body, headers=headers)
        assert refused.status_code == 422
        assert refused.json()["type"].endswith("idempotency-mismatch")
    finished(live, first)


def test_two_pipelines_in_one_request_are_a_contradiction(live: Live) -> None:
    body = {"articles": articles(1, "contradiction"), "pipeline": "openai"}
    refused = live.post("/v1/batches", params={"pipeline": "zero-shot"}, json=body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["loc"] == ["query", "pipeline"]
    finished(live, live.post("/v1/batches", params={"pipeline": "openai"}, json=body))


def test_an_article_that_no_single_request_could_bring_is_named_and_refused(live: Live) -> None:
    most = live.resources.settings.limits.body_bytes
    good, large = articles(1, "large")[0], {"text": "\u00e4" * (most // 2 + 1)}
    as_json = live.post("/v1/batches", json={"articles": [good, large]})
    assert as_json.status_code == 422
    assert as_json.json()["errors"][0]["loc"] == ["body", "articles", 1, "text"]
    assert f"{most:,}" in as_json.json()["detail"]
    lines = "\n".join(map(json.dumps, [good, large]))
    as_lines = live.post("/v1/batches", content=lines, headers={"Content-Type": "application/x-ndjson"})
    assert as_lines.status_code == 422
    assert as_lines.json()["errors"][0]["loc"] == ["body", 2, "text"]


def test_results_come_in_pages(live: Live) -> None:
    batch = finished(live, live.post("/v1/batches", json={"articles": articles(5, "pages")}))
    path = f"/v1/batches/{batch['id']}/results"
    page = live.get(path, params={"limit": 2}).json()
    seen = [item["index"] for item in page["items"]]
    while page["next_cursor"]:
        page = live.get(path, params={"limit": 2, "cursor": page["next_cursor"]}).json()
        seen += [item["index"] for item in page["items"]]
    assert seen == [0, 1, 2, 3, 4]
    refused = live.get(path, params={"cursor": "bm9uc2Vuc2U"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["loc"] == ["query", "cursor"]


def test_a_finished_batch_cannot_be_cancelled(live: Live) -> None:
    batch = finished(live, live.post("/v1/batches", json={"articles": articles(1, "late")}))
    refused = live.post(f"/v1/batches/{batch['id']}/cancel")
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("batch-finished")


def test_events_tell_the_progress_and_go_on_where_a_client_left(live: Live) -> None:
    live.stub.default = Behaviour(delay_s=0.2)
    try:
        answer = live.post("/v1/batches", json={"articles": articles(4, "events")})
        path = f"{answer.headers['Location']}/events"
        with live.client() as client, client.stream("GET", path) as stream:
            lines = list(stream.iter_lines())
    finally:
        live.stub.default = Behaviour()
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert names[-1] == "done"
    assert set(names[:-1]) == {"progress"}
    ids = [line.removeprefix("id: ") for line in lines if line.startswith("id: ")]
    assert len(set(ids)) == len(ids)
    again = live.get(path, headers={"Last-Event-ID": ids[-2]}).text
    assert again.count("event: ") == 1
    assert "event: done" in again
