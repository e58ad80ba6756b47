"""Each test has a service of its own: a process does jobs for one service only, so it may not share a module."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import event
from standardwebhooks import Webhook

from service.batches.watching import LOOK_EVERY_S
from service.storage.job_queue import JobQueue
from tests.service.http.batches import articles, finished, results
from tests.support.openai_stub import Behaviour
from tests.support.receiver import Receiver

if TYPE_CHECKING:
    from tests.service.http.conftest import Serve


def test_what_cannot_be_done_fails_with_its_reason_and_can_be_tried_again(serve: Serve) -> None:
    live = serve()
    for _ in range(5 * 5):
        live.stub.enqueue(Behaviour(status=400, message="this article is not to our taste"))
    answer = live.post("/v1/batches", json={"articles": articles(1, "failure")})
    batch = finished(live, answer, timeout_s=60)
    assert batch["counts"]["failed"] == 1
    item = results(live, batch)[0]
    assert item["riddle"] is None
    assert "not to our taste" in item["error"]["detail"]
    live.stub._queue.clear()
    again = live.post(f"/v1/batches/{batch['id']}/retry")
    assert again.json()["counts"]["queued"] == 1
    assert again.json()["finished_at"] is None
    assert finished(live, answer)["counts"]["failed"] == 0
    nothing = live.post(f"/v1/batches/{batch['id']}/retry")
    assert (nothing.status_code, nothing.json()["status"]) == (200, "done")


def test_cancelling_stops_what_has_not_started_and_keeps_the_rest(serve: Serve) -> None:
    live = serve(jobs={"concurrency": 1})
    live.stub.default = Behaviour(delay_s=0.3)
    try:
        answer = live.post("/v1/batches", json={"articles": articles(6, "cancel")})
        path = answer.headers["Location"]
        while live.get(path).json()["counts"]["queued"] > 4:
            time.sleep(0.05)
        cancelled = live.post(f"{path}/cancel").json()
        assert cancelled["status"] == "cancelled"
        batch = finished(live, answer)
    finally:
        live.stub.default = Behaviour()
    assert batch["status"] == "cancelled"
    counts = batch["counts"]
    assert counts["cancelled"] >= 3
    assert counts["published"] + counts["needs_review"] == 6 - counts["cancelled"]
    assert [item["status"] == "cancelled" for item in results(live, batch)] == [
        item["riddle"] is None for item in results(live, batch)
    ]
    assert live.post(f"{path}/cancel").status_code == 200


def test_a_full_queue_refuses_with_503_and_a_time_to_come_back_and_what_will_never_fit_with_413(serve: Serve) -> None:
    live = serve(jobs={"waiting": 3, "concurrency": 1})
    never = live.post("/v1/batches", json={"articles": articles(4, "full")})
    assert never.status_code == 413
    assert never.json()["type"].endswith("batch-too-large")
    assert "RIDDLEWIRE_JOBS_WAITING" in never.json()["detail"]
    assert "Retry-After" not in never.headers
    live.stub.default = Behaviour(delay_s=1)
    try:
        taken = live.post("/v1/batches", json={"articles": articles(3, "full")})
        refused = live.post("/v1/batches", json={"articles": articles(3, "fuller")})
    finally:
        live.stub.default = Behaviour()
    assert refused.status_code == 503
    assert refused.json()["type"].endswith("queue-full")
    assert int(refused.headers["Retry-After"]) > 0
    assert finished(live, taken)["status"] == "done"
    known = [*articles(3, "full"), *articles(3, "fullest")]
    assert finished(live, live.post("/v1/batches", json={"articles": known}))["status"] == "done"


def test_any_number_who_watch_a_batch_cost_one_reading_of_it(serve: Serve) -> None:
    live = serve(jobs={"concurrency": 1})
    live.stub.default = Behaviour(delay_s=0.3)
    watchers, readings = 12, 0

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal readings
        readings += statement.startswith("SELECT") and "FROM batches" in statement

    def watch(path: str) -> int:
        with live.client() as client, client.stream("GET", f"{path}/events") as stream:
            return sum(line == "event: progress" for line in stream.iter_lines())

    try:
        answer = live.post("/v1/batches", json={"articles": articles(8, "watched")})
        event.listen(live.resources.engine, "before_cursor_execute", count)
        began = time.monotonic()
        with ThreadPoolExecutor(watchers) as threads:
            told = list(threads.map(watch, [answer.headers["Location"]] * watchers))
        took_s = time.monotonic() - began
    finally:
        event.remove(live.resources.engine, "before_cursor_execute", count)
        live.stub.default = Behaviour()
    assert min(told) >= 3, "all of them were told of the progress"
    on_arrival, at_the_end = 2 * watchers, 10
    assert readings <= took_s / LOOK_EVERY_S + on_arrival + at_the_end


def test_unknown_batches_pipelines_and_too_many_articles_are_refused(serve: Serve) -> None:
    live = serve(limits={"batch_articles": 2})
    for path in ("bat_x", "bat_x/results", "bat_x/events"):
        assert live.get(f"/v1/batches/{path}").status_code == 404
    for path in ("bat_x/cancel", "bat_x/retry"):
        assert live.post(f"/v1/batches/{path}").status_code == 404
    unknown = live.post("/v1/batches", json={"articles": articles(1), "pipeline": "nobody"})
    assert unknown.status_code == 404
    assert live.post("/v1/batches", json={"articles": articles(3)}).status_code == 422
    plain = live.post("/v1/batches", content=b"hello", headers={"Content-Type": "text/plain"})
    assert plain.status_code == 415


def test_a_finished_batch_is_told_to_its_webhook_signed_and_once(serve: Serve) -> None:
    live = serve(webhooks={"allow_private": True})
    with Receiver() as receiver:
        body = {"articles": articles(2, "webhook"), "webhook": {"url": receiver.url()}}
        answer = live.post("/v1/batches", json=body, headers={"Idempotency-Key": "hook"})
        secret = answer.json()["webhook"]["secret"]
        replayed = live.post("/v1/batches", json=body, headers={"Idempotency-Key": "hook"})
        assert replayed.content == answer.content
        batch = finished(live, answer)
        assert "webhook" not in batch or batch["webhook"] is None
        log = f"/v1/webhooks/deliveries?subject={batch['id']}"
        deadline = time.monotonic() + 20
        while live.get(log).json()["items"][0]["status"] != "delivered":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        (request,) = receiver.received
        told = Webhook(secret).verify(request.body, dict(request.headers))
    assert told["type"] == "batch.done"
    assert told["data"]["id"] == batch["id"]
    assert told["data"]["counts"] == batch["counts"]
    assert len(live.get(log).json()["items"]) == 1


def test_a_webhook_into_a_private_network_refuses_the_batch(serve: Serve) -> None:
    live = serve()
    for url in (
        "http://127.0.0.1:9000/",
        "http://169.254.169.254/latest",
        "ftp://example.org/",
        "https://u:p@example.org/",
    ):
        refused = live.post("/v1/batches", json={"articles": articles(1), "webhook": {"url": url}})
        assert refused.status_code == 422, url
        assert "url" in refused.json()["errors"][0]["loc"]
    assert JobQueue(live.resources.engine).waiting() == 0


def test_old_batches_are_forgotten_and_their_riddles_stay(serve: Serve) -> None:
    live = serve()
    batch = finished(live, live.post("/v1/batches", json={"articles": articles(2, "old")}))
    riddle = results(live, batch)[0]["riddle"]["id"]
    assert live.resources.batches.purge(timedelta(days=1)) == 0
    assert live.resources.batches.purge(timedelta(seconds=-1)) == 1
    assert live.get(f"/v1/batches/{batch['id']}").status_code == 404
    assert live.get(f"/v1/riddles/{riddle}").status_code == 200
