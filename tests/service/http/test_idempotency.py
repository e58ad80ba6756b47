from __future__ import annotations

import threading
import time

import pytest

from tests.service.http.conftest import ARTICLE, Live, Serve
from tests.service.http.test_streaming import STREAM, events_of
from tests.support.openai_stub import Behaviour

ANOTHER = {**ARTICLE, "text": "Another article about a lighthouse that was painted blue."}


def test_the_same_key_and_body_replay_the_first_answer_without_a_model_call(live: Live) -> None:
    first = live.make(Idempotency_Key="replay")
    calls = len(live.stub.requests)
    again = live.make(Idempotency_Key="replay")
    assert again.status_code == 201
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert len(live.stub.requests) == calls


def test_a_stream_replays_as_its_result(live: Live) -> None:
    first = live.make(Idempotency_Key="replay-stream")
    headers = {**STREAM, "Idempotency-Key": "replay-stream"}
    again = live.post("/v1/riddles", json={"article": ARTICLE}, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert [(name, data) for name, data, _ in events_of(again.text)] == [("result", first.json())]


def test_a_streams_answer_is_replayed_to_a_json_caller(live: Live) -> None:
    headers = {**STREAM, "Idempotency-Key": "stream-first"}
    first = events_of(live.post("/v1/riddles", json={"article": ARTICLE}, headers=headers).text)[-1][1]
    assert live.make(Idempotency_Key="stream-first").json() == first


def test_the_same_key_with_another_body_is_refused(live: Live) -> None:
    live.make(Idempotency_Key="mismatch")
    response = live.make(ANOTHER, Idempotency_Key="mismatch")
    assert response.status_code == 422
    assert response.json()["type"].endswith("idempotency-mismatch")


def test_the_same_key_while_the_first_runs_is_told_to_wait(live: Live) -> None:
    live.stub.enqueue(Behaviour(delay_s=1.0))
    first = threading.Thread(target=lambda: live.make(Idempotency_Key="running"))
    first.start()
    time.sleep(0.4)
    response = live.make(Idempotency_Key="running")
    assert response.status_code == 409
    assert int(response.headers["retry-after"]) >= 1
    first.join()
    assert live.make(Idempotency_Key="running").status_code == 201


def test_a_failed_request_may_be_sent_again_under_its_key(live: Live) -> None:
    live.stub.enqueue(Behaviour(status=400, message="no"))
    assert live.make(Idempotency_Key="failed").status_code == 502
    assert live.make(Idempotency_Key="failed").status_code == 201


def test_one_hundred_simultaneous_requests_with_one_key_make_one_riddle(live: Live) -> None:
    from concurrent.futures import ThreadPoolExecutor

    article = {**ARTICLE, "source": "one key"}
    with ThreadPoolExecutor(20) as pool:
        statuses = [r.status_code for r in pool.map(lambda _: live.make(article, Idempotency_Key="herd"), range(100))]
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert len(live.get("/v1/riddles", params={"source": "one key"}).json()["items"]) == 1


def test_keys_of_different_callers_do_not_meet(serve: Serve) -> None:
    live = serve()
    first, second = live.key("writer"), live.key("writer")
    one = live.post("/v1/riddles", json={"article": ARTICLE}, headers={**first, "Idempotency-Key": "same"})
    other = live.post("/v1/riddles", json={"article": ANOTHER}, headers={**second, "Idempotency-Key": "same"})
    assert (one.status_code, other.status_code) == (201, 201)


@pytest.mark.parametrize("key", ["with space", "x" * 256])
def test_a_key_that_cannot_be_kept_is_refused(live: Live, key: str) -> None:
    assert live.make(Idempotency_Key=key).status_code == 422
