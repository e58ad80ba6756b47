from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from domain.errors import NotFound
from service.storage.deliveries import Backlog, DeliveryFilter, DeliveryRepository, add_delivery
from service.storage.delivery_rows import KEPT_ATTEMPTS, Attempt, Claimed, NewDelivery, Verdict
from service.storage.page import InvalidCursor
from service.storage.scope import OfKey, OfTenant

if TYPE_CHECKING:
    from sqlalchemy import Engine

LEASE = timedelta(seconds=60)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DONE = Verdict(status="delivered", next_attempt_at=None, give_up_at=NOON)
FAILED = Verdict(status="failed", next_attempt_at=None, give_up_at=NOON)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(engine: Engine, clock: Clock) -> DeliveryRepository:
    return DeliveryRepository(engine, clock)


def add(engine: Engine, number: int, host: str = "a.example:443", at: datetime = NOON, **changes: Any) -> str:
    values = {
        "id": f"whd_{number:04}",
        "created_at": at,
        "event_type": "batch.done",
        "subject": f"bat_{number}",
        "url": "https://a.example/hook",
        "host": host,
        "secret": "whsec_hunter2",
        "body": b'{"title":"Z\xc3\xbcrich"}',
        **changes,
    }
    with engine.begin() as connection:
        add_delivery(connection, NewDelivery(**values))
    return f"whd_{number:04}"


def ids(claimed: tuple[Claimed, ...]) -> list[str]:
    return [one.id for one in claimed]


def attempt(at: datetime = NOON, status: int | None = 204) -> Attempt:
    return Attempt(at=at, status_code=status, error=None if status else "no answer", duration_ms=12)


def again(at: datetime) -> Verdict:
    return Verdict(status="pending", next_attempt_at=at, give_up_at=NOON + timedelta(days=1))


def test_a_delivery_of_a_transaction_that_fails_does_not_exist(engine: Engine, store: DeliveryRepository) -> None:
    def fail() -> None:
        with engine.begin() as connection:
            new = NewDelivery(
                id="whd_1", created_at=NOON, event_type="x", subject="s", url="u", host="h", secret="s", body=b""
            )
            add_delivery(connection, new)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert store.claim(9, lease=LEASE) == ()


def test_what_is_claimed_is_claimed_by_nobody_else_until_its_lease_runs_out(
    engine: Engine, store: DeliveryRepository, clock: Clock
) -> None:
    add(engine, 1)
    (first,) = store.claim(9, lease=LEASE)
    assert first.body == b'{"title":"Z\xc3\xbcrich"}'
    clock.forward(LEASE - timedelta(seconds=1))
    assert store.claim(9, lease=LEASE) == ()

    clock.forward(timedelta(seconds=1))
    (second,) = DeliveryRepository(engine, clock).claim(9, lease=LEASE)
    assert second.id == first.id
    assert not store.record(first, attempt(), FAILED)
    assert store.get(first.id).attempts == ()
    assert store.record(second, attempt(), DONE)
    assert store.get(first.id).status == "delivered"


def test_of_many_that_claim_at_once_each_delivery_falls_to_one(engine: Engine, clock: Clock) -> None:
    for number in range(40):
        add(engine, number)
    stores = [DeliveryRepository(engine, clock) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        claims = list(threads.map(lambda one: [one.claim(3, lease=LEASE, per_host=99) for _ in range(9)], stores))

    rest = stores[0].claim(40, lease=LEASE, per_host=99)  # what nobody got, because all reached for the same
    taken = ids(rest) + [delivery for store in claims for claimed in store for delivery in ids(claimed)]
    assert sorted(taken) == sorted(set(taken)) == [f"whd_{number:04}" for number in range(40)]


def test_a_process_that_starts_frees_what_a_dead_one_claimed_where_it_is_the_only_one(
    engine: Engine, store: DeliveryRepository
) -> None:
    delivery_id = add(engine, 1)
    (lost,) = store.claim(1, lease=LEASE)
    only_one = engine.dialect.name == "sqlite"

    assert store.recover() == only_one
    assert ids(store.claim(1, lease=LEASE)) == ([delivery_id] if only_one else [])
    assert (store.record(lost, attempt(), DONE) is None) == only_one


def test_those_that_have_waited_longest_come_first_and_the_future_does_not_come(
    engine: Engine, store: DeliveryRepository
) -> None:
    late = add(engine, 1, at=NOON - timedelta(minutes=1))
    early = add(engine, 2, at=NOON - timedelta(minutes=2))
    add(engine, 3, at=NOON + timedelta(seconds=1))

    assert ids(store.claim(9, lease=LEASE, per_host=9)) == [early, late]


def test_a_crowd_for_one_host_leaves_room_for_the_others(engine: Engine, store: DeliveryRepository) -> None:
    for number in range(250):
        add(engine, number, host="hangs.example:443")
    other = add(engine, 999, host="b.example:443", at=NOON)

    claimed = store.claim(8, lease=LEASE, per_host=2)
    assert [one.host for one in claimed] == ["hangs.example:443"] * 2 + ["b.example:443"]
    assert ids(claimed)[-1] == other


def test_hosts_that_are_busy_already_count(engine: Engine, store: DeliveryRepository) -> None:
    add(engine, 1, host="a.example:443")
    add(engine, 2, host="b.example:443")
    busy = {"a.example:443": 2, "b.example:443": 1}

    assert [one.host for one in store.claim(8, lease=LEASE, per_host=2, busy=busy)] == ["b.example:443"]


def test_a_delivery_that_is_tried_again_comes_back_when_it_is_due(
    engine: Engine, store: DeliveryRepository, clock: Clock
) -> None:
    add(engine, 1)
    (claimed,) = store.claim(1, lease=LEASE)
    store.record(claimed, attempt(status=None), again(NOON + timedelta(minutes=5)))
    assert store.claim(1, lease=LEASE) == ()

    clock.forward(timedelta(minutes=5))
    (claimed,) = store.claim(1, lease=LEASE)
    assert (claimed.tries, claimed.give_up_at) == (1, NOON + timedelta(days=1))


def test_the_log_keeps_the_latest_attempts_and_counts_all(
    engine: Engine, store: DeliveryRepository, clock: Clock
) -> None:
    delivery_id = add(engine, 1)
    for _ in range(KEPT_ATTEMPTS + 2):
        (claimed,) = store.claim(1, lease=LEASE)
        store.record(claimed, attempt(clock(), 500), again(clock() + timedelta(seconds=1)))
        clock.forward(timedelta(seconds=1))

    logged = store.get(delivery_id)
    assert logged.attempt_count == KEPT_ATTEMPTS + 2
    assert len(logged.attempts) == KEPT_ATTEMPTS
    assert logged.attempts[-1].at == NOON + timedelta(seconds=KEPT_ATTEMPTS + 1)


def test_redelivering_makes_due_at_once_with_all_tries_and_keeps_the_log(
    engine: Engine, store: DeliveryRepository
) -> None:
    delivery_id = add(engine, 1)
    (claimed,) = store.claim(1, lease=LEASE)
    store.record(claimed, attempt(status=None), FAILED)

    made = store.redeliver(delivery_id)
    assert (made.status, made.next_attempt_at, made.attempt_count) == ("pending", NOON, 1)
    (second,) = store.claim(1, lease=LEASE)
    assert (second.tries, second.give_up_at, second.body) == (0, None, claimed.body)


def test_redelivering_what_is_being_sent_does_not_send_it_side_by_side(
    engine: Engine, store: DeliveryRepository
) -> None:
    delivery_id = add(engine, 1)
    (claimed,) = store.claim(1, lease=LEASE)
    store.redeliver(delivery_id)

    assert store.claim(1, lease=LEASE) == ()
    assert store.record(claimed, attempt(), DONE)
    assert store.get(delivery_id).status == "delivered"


@pytest.mark.parametrize("tries", [0, 1, 8])
@pytest.mark.parametrize("asked", [1, 2])
@pytest.mark.parametrize("verdict", [FAILED, again(NOON + timedelta(hours=9))])
def test_an_attempt_that_fails_while_it_was_asked_to_redeliver_leaves_that_due_with_all_tries(
    engine: Engine, store: DeliveryRepository, tries: int, asked: int, verdict: Verdict
) -> None:
    delivery_id = add(engine, 1)
    for _ in range(tries):
        store.record(store.claim(1, lease=LEASE)[0], attempt(status=500), again(NOON))
    (claimed,) = store.claim(1, lease=LEASE)
    for _ in range(asked):
        store.redeliver(delivery_id)

    assert store.record(claimed, attempt(status=500), verdict) == "pending"
    logged = store.get(delivery_id)
    assert (logged.status, logged.next_attempt_at, logged.attempt_count) == ("pending", NOON, tries + 1)
    (anew,) = store.claim(1, lease=LEASE)
    assert (anew.tries, anew.give_up_at) == (0, None)
    assert store.record(anew, attempt(status=500), FAILED) == "failed"


def test_an_attempt_that_lost_its_lease_changes_nothing_of_a_redelivery(
    engine: Engine, store: DeliveryRepository, clock: Clock
) -> None:
    delivery_id = add(engine, 1)
    (late,) = store.claim(1, lease=LEASE)
    store.redeliver(delivery_id)
    clock.forward(LEASE)
    (claimed,) = store.claim(1, lease=LEASE)
    store.redeliver(delivery_id)

    assert store.record(late, attempt(), DONE) is None
    assert store.claim(1, lease=LEASE) == ()
    assert store.record(claimed, attempt(), DONE) == "delivered"


def test_no_redelivery_is_lost_whenever_it_meets_the_end_of_an_attempt(
    engine: Engine, store: DeliveryRepository
) -> None:
    made = [add(engine, number) for number in range(40)]
    claims = store.claim(40, lease=LEASE, per_host=99)
    with ThreadPoolExecutor(8) as threads:
        for claimed in claims:
            threads.submit(store.redeliver, claimed.id)
            threads.submit(store.record, claimed, attempt(status=500), FAILED)

    anew = store.claim(40, lease=LEASE, per_host=99)
    assert sorted(ids(anew)) == made
    assert {(one.tries, len(one.attempts)) for one in anew} == {(0, 1)}


def test_pages_go_through_all_newest_first(engine: Engine, store: DeliveryRepository) -> None:
    made = [add(engine, number) for number in range(5)]
    seen, cursor = [], None
    while True:
        page = store.list(limit=2, cursor=cursor)
        seen += [delivery.id for delivery in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == made[::-1]
    with pytest.raises(InvalidCursor):
        store.list(cursor="nonsense!")


def test_filters_are_by_status_subject_and_whose_they_are(engine: Engine, store: DeliveryRepository) -> None:
    add(engine, 1, key_id="k1")
    add(engine, 2, key_id="k2", tenant="t")
    (claimed,) = store.claim(1, lease=LEASE)
    store.record(claimed, attempt(), DONE)

    def found(**which: Any) -> list[str]:
        return [delivery.id for delivery in store.list(DeliveryFilter(**which)).items]

    assert found(status="delivered") == ["whd_0001"]
    assert found(status="pending") == found(subject="bat_2") == found(scope=OfTenant("t")) == ["whd_0002"]
    assert found(scope=OfKey("k1")) == ["whd_0001"]
    assert found(scope=OfKey("k2")) == []
    assert found(status="delivered", scope=OfTenant("t")) == []
    for ask in (store.get, store.redeliver):
        with pytest.raises(NotFound, match="webhook delivery"):
            ask("whd_0001", scope=OfTenant("t"))
        assert ask("whd_0002", scope=OfTenant("t")).id == "whd_0002"


def test_purging_drops_what_is_old_and_ended(engine: Engine, store: DeliveryRepository, clock: Clock) -> None:
    ended, waiting = add(engine, 1), add(engine, 2)
    (claimed,) = store.claim(1, lease=LEASE)
    store.record(claimed, attempt(), DONE)
    clock.forward(timedelta(days=30))
    assert store.purge(timedelta(days=30)) == 0

    clock.forward(timedelta(seconds=1))
    young = add(engine, 3, at=clock())
    assert store.purge(timedelta(days=30)) == 1
    assert {delivery.id for delivery in store.list().items} == {waiting, young}
    with pytest.raises(NotFound):
        store.get(ended)


def test_the_backlog_is_what_is_pending(engine: Engine, store: DeliveryRepository) -> None:
    assert store.backlog() == Backlog(0, None)
    add(engine, 1, at=NOON - timedelta(hours=1))
    add(engine, 2)
    assert store.backlog() == Backlog(2, NOON - timedelta(hours=1))
    (claimed,) = store.claim(1, lease=LEASE)
    store.record(claimed, attempt(), DONE)
    assert store.backlog() == Backlog(1, NOON)


def test_no_error_or_value_shows_the_secret(engine: Engine, store: DeliveryRepository) -> None:
    add(engine, 1)
    (claimed,) = store.claim(1, lease=LEASE)
    assert claimed.secret == "whsec_hunter2"
    assert "hunter2" not in repr(claimed) + repr(store.list().items)
