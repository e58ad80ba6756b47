from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from service.storage.provider_limits import LEASE_S, URGENT_S, Ask, ProviderLimitStore, Rates
from tests.support.clock import Clock

if TYPE_CHECKING:
    from sqlalchemy import Engine

BATCH, URGENT = Ask(10, urgent=False), Ask(10, urgent=True)


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000_000.0)


@pytest.fixture
def store(engine: Engine, clock: Clock) -> ProviderLimitStore:
    return ProviderLimitStore(engine, clock)


def test_a_full_bucket_gives_a_tenth_at_once_and_then_says_how_long_to_wait(
    store: ProviderLimitStore, clock: Clock
) -> None:
    rates = Rates(requests=60)
    taken = store.take("openai", rates, [BATCH] * 10)
    assert taken.granted == 6
    clock.now += taken.wait_s
    assert store.take("openai", rates, [BATCH] * 10).granted == 1


def test_two_processes_draw_from_one_bucket(engine: Engine, clock: Clock) -> None:
    one, other = ProviderLimitStore(engine, clock), ProviderLimitStore(engine, clock)
    rates = Rates(requests=100)
    assert one.take("openai", rates, [BATCH] * 7).granted + other.take("openai", rates, [BATCH] * 7).granted == 10
    assert one.take("vllm", rates, [BATCH]).granted == 1


def test_tokens_that_were_asked_for_and_not_used_come_back(store: ProviderLimitStore) -> None:
    rates = Rates(tokens=1000)
    assert store.take("openai", rates, [Ask(100, urgent=False)]).granted == 1
    assert store.take("openai", rates, [Ask(50, urgent=False)]).granted == 0
    assert store.take("openai", rates, [Ask(50, urgent=False)], unused=60).granted == 1


def test_a_call_of_more_tokens_than_the_bucket_holds_is_let_out_once_it_is_full(
    store: ProviderLimitStore, clock: Clock
) -> None:
    rates = Rates(tokens=1000)
    assert store.take("openai", rates, [Ask(500, urgent=False)]).granted == 1
    waited = store.take("openai", rates, [Ask(500, urgent=False)]).wait_s
    assert waited == pytest.approx(500 / (900 / 62))
    clock.now += waited
    assert store.take("openai", rates, [Ask(500, urgent=False)]).granted == 1


def test_nobody_overtakes_the_first_in_the_queue(store: ProviderLimitStore) -> None:
    rates = Rates(tokens=1000)
    store.take("openai", rates, [Ask(60, urgent=False)])
    assert store.take("openai", rates, [Ask(90, urgent=False), Ask(1, urgent=False)]).granted == 0


def test_batches_hold_back_while_an_answer_is_waited_for_anywhere(store: ProviderLimitStore, clock: Clock) -> None:
    rates = Rates(requests=10)
    assert store.take("openai", rates, [URGENT]).granted == 1
    assert store.take("openai", rates, [URGENT]).granted == 0
    clock.now += URGENT_S - 0.1
    assert store.take("openai", rates, [BATCH]).granted == 0
    assert store.take("openai", rates, [URGENT]).granted == 0  # still nothing there; tells the batches again
    clock.now += 10.0
    assert store.take("openai", rates, [BATCH]).granted == 1


def test_a_pause_holds_for_everybody_and_a_shorter_one_does_not_end_it(
    engine: Engine, store: ProviderLimitStore, clock: Clock
) -> None:
    store.pause("openai", 5.0)
    store.pause("openai", 1.0)
    other = ProviderLimitStore(engine, clock)
    assert other.paused_s("openai") == pytest.approx(5.0)
    assert other.take("openai", Rates(requests=100), [URGENT]).granted == 0
    assert other.lease("openai", "me", total=4, wanted=4, in_use=0).paused_s == pytest.approx(5.0)
    clock.now += 5.0
    assert other.paused_s("openai") == 0.0
    assert other.take("openai", Rates(requests=100), [URGENT]).granted == 1


def test_leases_never_add_up_to_more_than_there_is(store: ProviderLimitStore) -> None:
    first = store.lease("openai", "a", total=10, wanted=20, in_use=0)
    second = store.lease("openai", "b", total=10, wanted=20, in_use=0)
    assert (first.slots, second.slots) == (10, 0)
    first = store.lease("openai", "a", total=10, wanted=20, in_use=3)  # seven calls have ended: it learns of the other
    second = store.lease("openai", "b", total=10, wanted=20, in_use=0)
    assert (first.slots, second.slots) == (5, 5)


def test_what_is_in_use_is_not_taken_away(store: ProviderLimitStore) -> None:
    store.lease("openai", "a", total=10, wanted=20, in_use=0)
    store.lease("openai", "b", total=10, wanted=20, in_use=0)
    assert (
        store.lease("openai", "a", total=10, wanted=20, in_use=9).slots == 5
    )  # it lets nobody in until four have left
    assert store.lease("openai", "b", total=10, wanted=20, in_use=0).slots == 1
    assert store.lease("openai", "a", total=10, wanted=20, in_use=5).slots == 5
    assert store.lease("openai", "b", total=10, wanted=20, in_use=1).slots == 5


def test_the_places_of_a_process_that_died_come_back(store: ProviderLimitStore, clock: Clock) -> None:
    store.lease("openai", "dead", total=4, wanted=9, in_use=0)
    assert store.lease("openai", "alive", total=4, wanted=9, in_use=0).slots == 0
    clock.now += LEASE_S
    assert store.lease("openai", "alive", total=4, wanted=9, in_use=0).slots == 4


def test_places_that_are_given_back_are_others_at_once(store: ProviderLimitStore) -> None:
    store.lease("openai", "idle", total=4, wanted=9, in_use=0)
    store.give_back("openai", "idle")
    assert store.lease("openai", "busy", total=4, wanted=9, in_use=0).slots == 4


def test_many_at_once_get_together_what_the_bucket_holds(engine: Engine) -> None:
    store = ProviderLimitStore(engine)  # by the database's own clock
    rates = Rates(requests=600)
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: store.take("openai", rates, [BATCH] * 5), range(40)))
    granted = sum(each.granted for each in taken)
    assert 60 <= granted <= 60 + 10 * 5  # ten a second come in; this takes far less than five
