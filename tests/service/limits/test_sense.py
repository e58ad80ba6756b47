from __future__ import annotations

import pytest

from service.limits.sense import ASKERS, FORGOTTEN_AFTER_S, Sense
from tests.support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_bad_answers_to_several_articles_in_a_row_are_the_providers(clock: Clock) -> None:
    sense = Sense(clock)
    assert [sense.answered_badly(f"article {n}") for n in range(ASKERS + 1)] == [False] * (ASKERS - 1) + [True, True]


def test_bad_answers_to_one_article_never_are(clock: Clock) -> None:
    sense = Sense(clock)
    assert not any(sense.answered_badly("poison") for _ in range(100))


def test_a_good_answer_clears_the_provider(clock: Clock) -> None:
    sense = Sense(clock)
    for n in range(ASKERS):
        sense.answered_badly(f"article {n}")
    sense.answered()
    assert not sense.answered_badly("another")


def test_bad_answers_of_long_ago_say_nothing(clock: Clock) -> None:
    sense = Sense(clock)
    for n in range(ASKERS):
        sense.answered_badly(f"article {n}")
    clock.now += FORGOTTEN_AFTER_S
    assert not sense.answered_badly("another")
