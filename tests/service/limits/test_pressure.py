from __future__ import annotations

import pytest

from service.limits.pressure import LONGEST_PAUSE_S, Pressure
from tests.support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def pressure(clock: Clock) -> Pressure:
    return Pressure(64, clock, jitter=lambda: 0.0)


def test_a_refusal_halves_what_is_in_flight_and_pauses_as_long_as_asked(pressure: Pressure, clock: Clock) -> None:
    assert pressure.refused(3.0, began=99.0, in_flight=20) == 3.0
    assert (pressure.places, pressure.paused_s) == (10, 3.0)
    clock.now += 3.0
    assert pressure.paused_s == 0.0


def test_refusals_of_calls_that_went_out_together_count_once(pressure: Pressure, clock: Clock) -> None:
    for _ in range(20):
        pressure.refused(1.0, began=99.0, in_flight=20)
        clock.now += 0.01
    assert pressure.places == 10


def test_a_provider_that_does_not_say_is_left_alone_for_twice_as_long_each_time(
    pressure: Pressure, clock: Clock
) -> None:
    pauses = []
    for _ in range(7):
        clock.now += 100
        pauses.append(pressure.refused(None, began=clock.now - 1, in_flight=8))
    assert pauses == [1, 2, 4, 8, 10, 10, 10]
    pressure.answered()
    assert pressure.refused(None, began=clock.now + 1, in_flight=8) == 1


def test_no_pause_is_longer_than_the_longest(pressure: Pressure) -> None:
    assert pressure.refused(86_400.0, began=99.0, in_flight=1) == LONGEST_PAUSE_S


def test_a_round_of_answers_adds_one_place(pressure: Pressure) -> None:
    pressure.refused(1.0, began=99.0, in_flight=20)
    for _ in range(11):
        pressure.answered()
    assert pressure.places == 11


def test_after_a_pause_each_round_of_answers_doubles_the_places_up_to_half_of_what_was_refused(
    pressure: Pressure, clock: Clock
) -> None:
    for in_flight in (40, 20, 10, 5, 2, 1, 1):
        clock.now += 100
        pressure.refused(1.0, began=clock.now - 1, in_flight=in_flight)
    assert pressure.places == 1
    rounds = []
    for _ in range(7):
        for _ in range(pressure.places):
            pressure.answered()
        rounds.append(pressure.places)
    assert rounds == [2, 4, 8, 16, 20, 21, 22]


def test_it_is_on_from_a_refusal_until_all_places_are_back(pressure: Pressure, clock: Clock) -> None:
    seen = [pressure.is_on]
    pressure.refused(1.0, began=99.0, in_flight=64)
    clock.now += 1.0
    seen.append(pressure.is_on)
    for _ in range(64 * 64):
        pressure.answered()
    assert [*seen, pressure.is_on] == [False, True, False]


def test_there_is_always_one_place_and_never_more_than_at_first(pressure: Pressure, clock: Clock) -> None:
    for _ in range(12):
        clock.now += 1
        pressure.refused(1.0, began=clock.now - 0.5, in_flight=1)
    assert pressure.places == 1
    for _ in range(10_000):
        pressure.answered()
    assert pressure.places == 64


def test_a_pause_of_our_own_that_comes_back_is_no_news(pressure: Pressure, clock: Clock) -> None:
    pressure.refused(2.0, began=99.0, in_flight=20)
    assert not pressure.heard_of_pause(2.2)
    assert pressure.places == 10
    assert pressure.heard_of_pause(9.0)
    assert (pressure.places, pressure.paused_s) == (5, 9.0)


def test_not_all_processes_return_at_the_same_moment(clock: Clock) -> None:
    late = Pressure(64, clock, jitter=lambda: 1.0)
    late.refused(2.0, began=99.0, in_flight=1)
    assert 2.0 < late.paused_s <= 3.0
