from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import OperationalError
from standardwebhooks import Webhook

from service.storage.deliveries import DeliveryRepository
from service.webhooks.deliverer import LEASE
from service.webhooks.retries import KEEP_TRYING
from service.webhooks.signing import new_secret
from service.webhooks.targets import TargetPolicy
from tests.service.webhooks.conftest import Post, until
from tests.support.receiver import Answer, Receiver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from tests.service.webhooks.conftest import Clock


def outcomes(post: Post) -> dict[str, float]:
    """How many attempts were counted, by outcome."""
    return {
        sample.labels["outcome"]: sample.value
        for metric in post.metrics.registry.collect()
        for sample in metric.samples
        if sample.name == "riddlewire_webhook_attempts_total"
    }


async def test_an_event_arrives_signed_as_the_specification_says(engine: Engine, receiver: Receiver) -> None:
    post = Post(engine, lambda: datetime.now(UTC))  # the library refuses signatures of another time
    secret = new_secret()
    delivery_id = post.enqueue(receiver.url(), secret=secret)
    assert await post.deliver() == 1

    (request,) = receiver.received
    event = Webhook(secret).verify(request.body, dict(request.headers))
    assert (event["type"], event["data"]) == ("batch.done", {"id": "bat_1", "status": "done"})
    assert datetime.fromisoformat(event["timestamp"]) == post.log(delivery_id).created_at
    assert request.message_id == delivery_id
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("Riddlewire/")
    logged = post.log(delivery_id)
    assert (logged.status, logged.next_attempt_at) == ("delivered", None)
    assert [(one.status_code, one.error) for one in logged.attempts] == [(204, None)]


async def test_a_retry_sends_the_same_id_and_bytes_and_a_new_timestamp(
    post: Post, receiver: Receiver, clock: Clock
) -> None:
    delivery_id = post.enqueue(receiver.url())
    receiver.enqueue(Answer(500))
    await post.deliver()
    assert post.log(delivery_id).status == "pending"
    clock.forward(seconds=6)
    await post.deliver()

    first, second = receiver.received
    assert first.body == second.body
    assert first.message_id == second.message_id == delivery_id
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 6
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    assert [one.status_code for one in post.log(delivery_id).attempts] == [500, 204]
    assert outcomes(post) == {"retry": 1, "delivered": 1}


async def test_a_receiver_that_never_takes_it_is_tried_for_a_day_and_then_given_up(
    post: Post, receiver: Receiver, clock: Clock
) -> None:
    started = clock.now
    receiver.always(Answer(503))
    delivery_id = post.enqueue(receiver.url())
    while (due := post.log(delivery_id).next_attempt_at) is not None:
        clock.now = due
        assert await post.deliver() == 1

    logged = post.log(delivery_id)
    assert (logged.status, logged.attempt_count) == ("failed", 9)
    assert timedelta(hours=20) < clock.now - started <= KEEP_TRYING
    assert len({request.message_id for request in receiver.received}) == 1
    assert outcomes(post) == {"retry": 8, "gave_up": 1}

    receiver.always(Answer(200))
    post.deliveries.redeliver(delivery_id)
    assert await post.deliver() == 1
    assert post.log(delivery_id).status == "delivered"
    assert {request.body for request in receiver.received} == {receiver.received[0].body}


@pytest.mark.parametrize("status", [500, 410])
async def test_a_redelivery_during_the_last_try_is_made_when_that_fails(
    post: Post, receiver: Receiver, clock: Clock, status: int
) -> None:
    receiver.always(Answer(500))
    delivery_id = post.enqueue(receiver.url())
    for _ in range(8):
        clock.now = post.log(delivery_id).next_attempt_at or clock.now
        await post.deliver()
    clock.now = post.log(delivery_id).next_attempt_at or clock.now
    receiver.enqueue(Answer(status, before=lambda: _redelivered(post, delivery_id)))
    receiver.enqueue(*[Answer(500)] * 8)
    receiver.always(Answer(204))
    await post.deliver()

    while (due := post.log(delivery_id).next_attempt_at) is not None:
        clock.now = due
        await post.deliver()
    logged = post.log(delivery_id)
    assert [one.status_code for one in logged.attempts] == [500] * 8 + [status] + [500] * 8 + [204]
    assert outcomes(post) == {"retry": 17, "delivered": 1}


def _redelivered(post: Post, delivery_id: str) -> None:
    assert post.deliveries.redeliver(delivery_id).status == "pending"


async def test_a_redelivery_during_an_attempt_that_delivers_is_delivered(post: Post, receiver: Receiver) -> None:
    delivery_id = post.enqueue(receiver.url())
    receiver.enqueue(Answer(before=lambda: _redelivered(post, delivery_id)))
    assert await post.deliver() == 1
    assert post.log(delivery_id).status == "delivered"


async def test_a_receiver_that_always_asks_for_more_time_is_given_up_after_a_day(
    post: Post, receiver: Receiver, clock: Clock
) -> None:
    started = clock.now
    receiver.always(Answer(429, {"Retry-After": "40000"}))
    delivery_id = post.enqueue(receiver.url())
    while (due := post.log(delivery_id).next_attempt_at) is not None:
        clock.now = due
        await post.deliver()

    assert post.log(delivery_id).status == "failed"
    assert [(one.at - started).total_seconds() for one in post.log(delivery_id).attempts] == [0, 40000, 80000, 86400]


async def test_a_receiver_that_is_gone_is_not_asked_again(post: Post, receiver: Receiver) -> None:
    receiver.enqueue(Answer(410))
    delivery_id = post.enqueue(receiver.url())
    await post.deliver()

    logged = post.log(delivery_id)
    assert (logged.status, logged.next_attempt_at) == ("failed", None)
    assert logged.attempts[0].error == "answered 410: the receiver wants no more of it"
    assert outcomes(post) == {"gone": 1}


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("asked", ["600", "Sun, 01 Mar 2026 12:10:00 GMT"])
async def test_a_busy_receiver_is_left_alone_as_long_as_it_asks(
    post: Post, receiver: Receiver, clock: Clock, status: int, asked: str
) -> None:
    receiver.enqueue(Answer(status, {"Retry-After": asked}))
    delivery_id = post.enqueue(receiver.url())
    await post.deliver()

    assert post.log(delivery_id).next_attempt_at == clock.now + timedelta(minutes=10)


@pytest.mark.parametrize("asked", ["1e300", "soon", "-5", "nan", "\xff"])
async def test_nonsense_as_retry_after_changes_little(post: Post, receiver: Receiver, clock: Clock, asked: str) -> None:
    receiver.enqueue(Answer(429, {"Retry-After": asked}))
    delivery_id = post.enqueue(receiver.url())
    await post.deliver()

    due = post.log(delivery_id).next_attempt_at
    assert due is not None
    assert clock.now < due <= clock.now + KEEP_TRYING


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(post: Post, receiver: Receiver, status: int) -> None:
    receiver.enqueue(Answer(status, {"Location": receiver.url("/elsewhere")}))
    delivery_id = post.enqueue(receiver.url())
    await post.deliver()

    assert [request.path for request in receiver.received] == ["/hook"]
    logged = post.log(delivery_id)
    assert logged.status == "pending"
    assert logged.attempts[0].error == f"answered {status}: redirects are not followed"


async def test_a_broken_connection_and_a_closed_port_are_tried_again(post: Post, receiver: Receiver) -> None:
    receiver.enqueue(Answer(0))
    broken, closed = post.enqueue(receiver.url()), post.enqueue("http://127.0.0.1:9/")
    await post.deliver()

    for delivery_id in (broken, closed):
        logged = post.log(delivery_id)
        assert logged.status == "pending"
        assert logged.attempts[0].status_code is None
        assert "Error" in (logged.attempts[0].error or "") or "Disconnected" in (logged.attempts[0].error or "")


async def test_a_receiver_that_hangs_is_given_up_in_time(post: Post, receiver: Receiver) -> None:
    receiver.enqueue(Answer(hang=True))
    delivery_id = post.enqueue(receiver.url())
    await post.deliver(timeout_s=0.2)

    (attempt,) = post.log(delivery_id).attempts
    assert attempt.error == "no answer within 0.2 s"
    assert 150 < attempt.duration_ms < 2000


async def test_receivers_that_hang_do_not_hold_up_the_others(post: Post, receiver: Receiver) -> None:
    receiver.always(Answer(hang=True))
    hanging = [post.enqueue(receiver.url()) for _ in range(30)]
    with Receiver() as good:
        prompt = [post.enqueue(good.url()) for _ in range(5)]
        deliverer = post.deliverer(concurrency=8, timeout_s=30)
        deliverer.start()
        await until(lambda: all(post.log(one).status == "delivered" for one in prompt))
        assert len(receiver.received) == 2
        await deliverer.stop(0)
    assert {post.log(one).status for one in hanging} == {"pending"}


async def test_an_answer_is_not_read_beyond_its_headers(post: Post, receiver: Receiver) -> None:
    receiver.enqueue(Answer(200, {"Content-Encoding": "gzip"}, b"\0" * 50_000_000))
    delivery_id = post.enqueue(receiver.url())
    await post.deliver()
    assert post.log(delivery_id).status == "delivered"


async def test_an_attempt_that_was_sent_and_not_written_down_is_made_again_with_the_same_id(
    post: Post, receiver: Receiver, clock: Clock, engine: Engine
) -> None:
    """The process dies between the receiver's answer and the commit: at least once, and the receiver can tell."""

    class Dying(DeliveryRepository):
        def record(self, *_: Any) -> Any:
            raise OperationalError("UPDATE", {}, Exception("the process is killed here"))

    delivery_id = post.enqueue(receiver.url())
    assert await post.deliver(deliveries=Dying(engine, clock)) == 1
    assert post.log(delivery_id).attempts == ()
    assert await post.deliver() == 0

    clock.now += LEASE + timedelta(seconds=6)
    assert await post.deliver() == 1
    assert [request.message_id for request in receiver.received] == [delivery_id] * 2
    assert post.log(delivery_id).status == "delivered"


async def test_deliverers_that_share_a_database_send_every_event_once(post: Post, receiver: Receiver) -> None:
    made = {post.enqueue(receiver.url(), f"bat_{number}") for number in range(60)}
    deliverers = [post.deliverer(concurrency=8) for _ in range(4)]
    await asyncio.gather(*(deliverer.deliver_due() for deliverer in deliverers))
    for deliverer in deliverers:
        await deliverer.stop(0)

    sent = [request.message_id for request in receiver.received]
    assert sorted(sent) == sorted(made)
    assert {post.log(one).status for one in made} == {"delivered"}


async def test_a_name_that_leads_into_a_private_network_is_never_connected_to(post: Post, receiver: Receiver) -> None:
    async def lookup(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    delivery_id = post.enqueue(receiver.url(host="rebound.example"))
    await post.deliver(policy=TargetPolicy(), lookup=lookup)

    assert receiver.received == []
    (attempt,) = post.log(delivery_id).attempts
    assert attempt.error == "rebound.example leads to an address that webhooks are not sent to"
    assert "127.0.0.1" not in json.dumps(attempt.error)


async def test_a_name_with_one_metadata_address_is_refused_even_where_private_ones_are_allowed(
    post: Post, receiver: Receiver
) -> None:
    async def lookup(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1", "169.254.169.254"]

    post.enqueue(receiver.url(host="hooks.example"))
    await post.deliver(lookup=lookup)
    assert receiver.received == []


async def test_a_name_is_resolved_once_for_an_attempt_and_that_address_is_used(post: Post, receiver: Receiver) -> None:
    asked = []

    async def lookup(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    post.enqueue(receiver.url(host="rebind.example"))
    await post.deliver(lookup=lookup)
    assert asked == ["rebind.example"]
    assert receiver.received[0].headers["host"] == f"rebind.example:{receiver.port}"


async def test_a_private_receiver_is_refused_from_when_the_operator_forbids_it(post: Post, receiver: Receiver) -> None:
    delivery_id = post.enqueue(receiver.url())
    await post.deliver(policy=TargetPolicy())
    assert receiver.received == []
    assert "not a public address" in (post.log(delivery_id).attempts[0].error or "")


async def test_proxies_and_credentials_of_the_environment_are_not_used(
    post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    delivery_id = post.enqueue(receiver.url())
    await post.deliver()
    assert post.log(delivery_id).status == "delivered"


async def test_stopping_lets_what_is_being_sent_finish_and_begins_nothing_new(post: Post, receiver: Receiver) -> None:
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()
    receiver.enqueue(Answer(before=lambda: _slowly(loop, arrived)))
    closing = False
    deliverer = post.deliverer(closing=lambda: closing)
    deliverer.start()
    first = post.enqueue(receiver.url())
    await asyncio.wait_for(arrived.wait(), 5)
    closing = True
    await asyncio.sleep(0.1)  # several looks into the outbox
    second = post.enqueue(receiver.url())
    await asyncio.sleep(0.1)
    await deliverer.stop(patience_s=10)

    assert post.log(first).status == "delivered"
    assert (post.log(second).status, post.log(second).attempts) == ("pending", ())


def _slowly(loop: asyncio.AbstractEventLoop, arrived: asyncio.Event) -> None:
    import time

    loop.call_soon_threadsafe(arrived.set)
    time.sleep(0.5)


async def test_what_does_not_finish_in_the_drain_time_waits_for_its_lease_only(
    post: Post, receiver: Receiver, clock: Clock
) -> None:
    receiver.enqueue(Answer(hang=True))
    deliverer = post.deliverer(timeout_s=30)
    deliverer.start()
    delivery_id = post.enqueue(receiver.url())
    await until(lambda: bool(receiver.received))
    await deliverer.stop(patience_s=0.1)

    clock.now += LEASE + timedelta(seconds=31)
    await post.deliver()
    assert post.log(delivery_id).status == "delivered"


async def test_a_database_that_is_away_for_a_moment_does_not_end_the_task(
    post: Post, receiver: Receiver, clock: Clock, engine: Engine
) -> None:
    class Flaky(DeliveryRepository):
        asked = 0

        def claim(self, *given: Any, **options: Any) -> Any:
            self.asked += 1
            if self.asked == 1:
                raise OperationalError("SELECT", {}, Exception("away"))
            return super().claim(*given, **options)

    deliverer = post.deliverer(deliveries=Flaky(engine, clock))
    delivery_id = post.enqueue(receiver.url())
    deliverer.start()
    await until(lambda: post.log(delivery_id).status == "delivered")
    await deliverer.stop(1)


async def test_what_waits_is_measured(post: Post, clock: Clock) -> None:
    post.enqueue("http://127.0.0.1:9/")
    clock.forward(minutes=10)
    deliverer = post.deliverer()
    deliverer.start()
    await until(lambda: post.metrics.registry.get_sample_value("riddlewire_webhook_pending") == 1)
    await deliverer.stop(1)
    assert post.metrics.registry.get_sample_value("riddlewire_webhook_oldest_pending_seconds") == 600
