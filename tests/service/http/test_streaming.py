from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from tests.service.http.conftest import ARTICLE, Live
from tests.support.openai_stub import Behaviour

STREAM = {"Accept": "text/event-stream"}


def events_of(text: str) -> list[tuple[str, dict[str, Any], str]]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if fields:
            found.append((fields["event"], json.loads(fields["data"]), fields["id"]))
    return found


def test_a_stream_tells_every_stage_and_ends_with_the_stored_riddle(live: Live) -> None:
    response = live.post("/v1/riddles", json={"article": ARTICLE}, headers=STREAM)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache"
    events = events_of(response.text)
    names = [name for name, _, _ in events]
    assert names[0] == "examples"
    assert names[-1] == "result"
    assert list(dict.fromkeys(names)) == ["examples", "summary.delta", "summary", "riddle.delta", "riddle", "result"]
    assert [int(event_id) for _, _, event_id in events] == list(range(1, len(events) + 1))
    result = events[-1][1]
    assert live.get(f"/v1/riddles/{result['id']}").json() == result


def test_deltas_add_up_to_the_whole_and_give_no_answer_away(live: Live) -> None:
    events = events_of(live.post("/v1/riddles", json={"article": ARTICLE}, headers=STREAM).text)
    summary = "".join(data["text"] for name, data, _ in events if name == "summary.delta")
    riddle = "".join(data["text"] for name, data, _ in events if name == "riddle.delta")
    result = events[-1][1]
    assert summary.strip() == result["summary"]
    assert riddle.strip() == result["riddle"]


def test_text_arrives_while_the_model_still_writes(live: Live) -> None:
    live.stub.enqueue(Behaviour(chunk_delay_s=0.05))
    started = time.monotonic()
    first: float | None = None
    with (
        live.client() as client,
        client.stream("POST", "/v1/riddles", json={"article": ARTICLE}, headers=STREAM) as response,
    ):
        for line in response.iter_lines():
            if first is None and line == "event: summary.delta":
                first = time.monotonic() - started
    total = time.monotonic() - started
    assert first is not None
    assert first < total - 0.4


def test_a_thrown_away_attempt_tells_the_client_to_clear_it(live: Live) -> None:
    leaky = "Answer: bridge\nRiddle: I am a bridge of stone,\nThe bridge over the Arl,\nHint: cross me"
    live.stub.enqueue("A bridge was mended.", leaky)
    events = events_of(live.post("/v1/riddles", json={"article": ARTICLE}, headers=STREAM).text)
    names = [name for name, _, _ in events]
    assert "retry" in names
    retry = next(data for name, data, _ in events if name == "retry")
    assert retry["step"] == "riddle"
    assert retry["reasons"]
    assert names[-1] == "result"


def test_what_is_wrong_with_a_request_is_told_before_the_stream_begins(live: Live) -> None:
    response = live.post("/v1/riddles", json={"article": {"text": " "}}, headers=STREAM)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    unknown = live.post("/v1/riddles", json={"article": ARTICLE, "pipeline": "nope"}, headers=STREAM)
    assert unknown.status_code == 404


def test_a_failing_provider_ends_the_stream_with_a_problem(live: Live) -> None:
    live.stub.enqueue(*[Behaviour(status=400, message="no such model")] * 5)
    response = live.post("/v1/riddles", json={"article": ARTICLE}, headers=STREAM)
    name, problem, _ = events_of(response.text)[-1]
    assert name == "error"
    assert problem["status"] == 502
    assert problem["instance"] == response.headers["x-request-id"]


def test_a_client_that_leaves_does_not_stop_its_riddle(live: Live) -> None:
    live.stub.enqueue(Behaviour(delay_s=0.5))
    article = {**ARTICLE, "source": "left alone"}
    with (
        live.client() as client,
        client.stream("POST", "/v1/riddles", json={"article": article}, headers=STREAM) as response,
    ):
        next(response.iter_lines())
    assert _waited_for(live, "left alone")


def test_a_json_client_that_leaves_does_not_stop_its_riddle_either(live: Live) -> None:
    live.stub.enqueue(Behaviour(delay_s=0.6))
    article = {**ARTICLE, "source": "hung up"}
    with pytest.raises(httpx.ReadTimeout):
        live.post("/v1/riddles", json={"article": article}, timeout=0.3)
    assert _waited_for(live, "hung up")


def _waited_for(live: Live, source: str) -> list[Any]:
    for _ in range(100):
        items: list[Any] = live.get("/v1/riddles", params={"source": source}).json()["items"]
        if items:
            return items
        time.sleep(0.05)
    return []
