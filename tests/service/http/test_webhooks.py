from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks import Webhook

from service.storage.engine import open_engine
from service.webhooks.outbox import enqueue
from service.webhooks.schemas import DeliveryOut, WebhookIn, WebhookOut, webhook_payload
from service.webhooks.targets import TargetPolicy
from tests.support.program import running
from tests.support.receiver import Answer, Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.service.http.conftest import Live, Serve
    from tests.support.openai_stub import OpenAIStub

LOG = "/v1/webhooks/deliveries"
NOWHERE = "http://127.0.0.1:9/"
OPEN = TargetPolicy(allow_private=True)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running_receiver:
        yield running_receiver


@pytest.fixture
def private(serve: Serve) -> Live:
    return serve(webhooks={"allow_private": True})


def announce(engine: Engine, url: str = NOWHERE, subject: str = "bat_1", **more: Any) -> str:
    with engine.begin() as connection:
        return enqueue(
            connection,
            target=OPEN.target(url, SECRET),
            event_type="batch.done",
            data={"id": subject},
            subject=subject,
            **more,
        )


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_service_delivers_what_was_committed_and_logs_it(private: Live, receiver: Receiver) -> None:
    delivery_id = announce(private.resources.engine, receiver.url())
    until(lambda: private.get(f"{LOG}/{delivery_id}").json()["status"] == "delivered")

    (request,) = receiver.received
    assert Webhook(SECRET).verify(request.body, dict(request.headers))["data"] == {"id": "bat_1"}
    answer = private.get(f"{LOG}/{delivery_id}")
    shown = DeliveryOut.model_validate(answer.json())
    assert (shown.id, shown.type, shown.subject, shown.url) == (delivery_id, "batch.done", "bat_1", receiver.url())
    assert (shown.attempts[0].status_code, shown.attempts[0].error, shown.next_attempt_at) == (204, None, None)
    assert "whsec" not in answer.text
    assert 'riddlewire_webhook_attempts_total{outcome="delivered"}' in private.get("/metrics").text


def test_redelivery_sends_the_same_id_and_body_again(private: Live, receiver: Receiver) -> None:
    receiver.enqueue(Answer(410))
    delivery_id = announce(private.resources.engine, receiver.url())
    until(lambda: private.get(f"{LOG}/{delivery_id}").json()["status"] == "failed")

    asked = private.post(f"{LOG}/{delivery_id}/redeliver")
    assert asked.status_code == 202
    assert asked.headers["location"] == f"{LOG}/{delivery_id}"
    assert asked.json()["status"] == "pending"
    until(lambda: private.get(f"{LOG}/{delivery_id}").json()["status"] == "delivered")
    first, second = receiver.received
    assert (first.message_id, first.body) == (second.message_id, second.body)


def test_by_default_nothing_is_sent_to_this_machine(live: Live, receiver: Receiver) -> None:
    delivery_id = announce(live.resources.engine, receiver.url())
    until(lambda: live.get(f"{LOG}/{delivery_id}").json()["attempt_count"])
    shown = live.get(f"{LOG}/{delivery_id}").json()
    assert "not a public address" in shown["attempts"][0]["error"]
    assert receiver.received == []


def test_the_log_pages_and_filters(live: Live) -> None:
    made = [announce(live.resources.engine, subject=f"bat_page{number % 2}") for number in range(5)]
    found, cursor = [], None
    while True:
        page = live.get(LOG, params={"limit": 2, "subject": "bat_page0"} | ({"cursor": cursor} if cursor else {}))
        found += [item["id"] for item in page.json()["items"]]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break
    assert found == [made[4], made[2], made[0]]
    assert live.get(LOG, params={"status": "delivered", "subject": "bat_page0"}).json()["items"] == []
    for bad in ({"status": "lost"}, {"cursor": "nonsense!"}, {"limit": 0}):
        assert live.get(LOG, params=bad).status_code == 422


def test_an_unknown_delivery_is_404(live: Live) -> None:
    assert live.get(f"{LOG}/whd_none").status_code == 404
    assert live.post(f"{LOG}/whd_none/redeliver").status_code == 404


def test_others_see_their_own_deliveries_and_an_admin_all(serve: Serve) -> None:
    live = serve()
    keys = live.resources.keys
    secrets: dict[str, tuple[str, dict[str, str]]] = {}
    for name, tenant in (("ann", None), ("bob", None), ("eve", "news"), ("kim", "news")):
        key, secret = keys.create(name, "writer", tenant=tenant)
        announce(live.resources.engine, subject=name, key_id=key.id, tenant=tenant)
        secrets[name] = (key.id, {"X-API-Key": secret})
    announce(live.resources.engine, subject="nobody")
    secrets["root"] = ("", live.key("admin"))

    def seen(name: str) -> set[str]:
        return {item["subject"] for item in live.get(LOG, headers=secrets[name][1]).json()["items"]}

    assert seen("ann") == {"ann"}
    assert seen("eve") == seen("kim") == {"eve", "kim"}
    assert seen("root") == {"ann", "bob", "eve", "kim", "nobody"}
    bobs = live.get(LOG, headers=secrets["bob"][1]).json()["items"][0]["id"]
    for ask in (live.get(f"{LOG}/{bobs}", headers=secrets["ann"][1]), _redeliver(live, bobs, secrets["eve"][1])):
        assert ask.status_code == 404
    assert _redeliver(live, bobs, secrets["bob"][1]).status_code == 202
    assert live.get(LOG, headers=live.key("reader")).status_code == 403
    assert live.get(LOG).status_code == 401


def _redeliver(live: Live, delivery_id: str, headers: dict[str, str]) -> Any:
    return live.post(f"{LOG}/{delivery_id}/redeliver", headers=headers)


def test_a_secret_is_given_out_only_when_we_made_it() -> None:
    made = WebhookIn(url="https://hooks.example/")
    own = WebhookIn(url="https://hooks.example/", secret=SECRET)
    policy = TargetPolicy()

    target = made.target(policy)
    assert WebhookOut.model_validate(webhook_payload(made, target)).secret == target.secret
    assert WebhookOut.model_validate(webhook_payload(own, own.target(policy))).secret is None


def test_after_a_kill_in_the_middle_of_an_attempt_it_is_made_again_with_the_same_id(
    tmp_path: Path, stub: OpenAIStub, receiver: Receiver
) -> None:
    receiver.enqueue(Answer(hang=True))
    allowed = {"RIDDLEWIRE_WEBHOOKS_ALLOW_PRIVATE": "true"}
    with running(tmp_path / "home", stub, **allowed) as service:
        engine = open_engine(f"sqlite:///{service.home / 'riddlewire.db'}")
        delivery_id = announce(engine, receiver.url())
        engine.dispose()
        until(lambda: receiver.received)
        service.process.kill()
        service.process.wait(10)
    with running(tmp_path / "home", stub, **allowed) as service:
        until(lambda: len(receiver.received) == 2)
    assert [request.message_id for request in receiver.received] == [delivery_id] * 2


def test_sigterm_lets_an_attempt_finish_and_stops_with_success(
    tmp_path: Path, stub: OpenAIStub, receiver: Receiver
) -> None:
    receiver.enqueue(Answer(before=lambda: time.sleep(1)))
    with running(tmp_path / "home", stub, RIDDLEWIRE_WEBHOOKS_ALLOW_PRIVATE="true") as service:
        engine = open_engine(f"sqlite:///{service.home / 'riddlewire.db'}")
        announce(engine, receiver.url())
        until(lambda: receiver.received)
        service.process.terminate()
        assert service.process.wait(20) == 0
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT status FROM webhook_deliveries").scalar() == "delivered"
        engine.dispose()
