from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.webhooks.retries import KEEP_TRYING, WAITS, next_attempt

START = datetime(2026, 3, 1, tzinfo=UTC)
CHANCES = st.floats(0, 1)
ASKED = st.none() | st.timedeltas(min_value=timedelta(), max_value=timedelta(days=1))


@given(st.lists(CHANCES, min_size=len(WAITS) + 1, max_size=len(WAITS) + 1), st.lists(ASKED, min_size=20, max_size=20))
def test_tries_go_on_later_and_later_and_end_within_a_day(chances: list[float], asked: list[timedelta | None]) -> None:
    moments = [START]
    while (tries := len(moments)) <= len(WAITS) + 1:
        following = next_attempt(
            tries,
            now=moments[-1],
            give_up_at=START + KEEP_TRYING,
            chance=chances[tries - 1],
            retry_after=asked[tries - 1],
        )
        if following is None:
            break
        moments.append(following)
    assert moments == sorted(set(moments))
    assert moments[-1] - START <= KEEP_TRYING
    assert len(moments) <= len(WAITS) + 1


def test_a_receiver_that_never_answers_is_tried_nine_times_in_most_of_a_day() -> None:
    moments = [START]
    while following := next_attempt(len(moments), now=moments[-1], give_up_at=START + KEEP_TRYING, chance=0.5):
        moments.append(following)
    assert len(moments) == 9
    assert timedelta(hours=22) < moments[-1] - START < timedelta(hours=23)


@given(st.integers(1, len(WAITS)), CHANCES, st.timedeltas(timedelta(), timedelta(hours=3)))
def test_a_receiver_is_never_asked_earlier_than_it_wants(tries: int, chance: float, asked: timedelta) -> None:
    following = next_attempt(tries, now=START, give_up_at=START + KEEP_TRYING, chance=chance, retry_after=asked)
    assert following is not None
    assert following - START >= asked


@given(st.integers(1, len(WAITS)))
def test_what_failed_together_is_not_retried_together(tries: int) -> None:
    early, late = (next_attempt(tries, now=START, give_up_at=START + KEEP_TRYING, chance=chance) for chance in (0, 1))
    assert early is not None
    assert late is not None
    assert late - early > WAITS[tries - 1] * 0.15


def test_after_the_end_there_is_no_other_try_even_when_few_were_made() -> None:
    assert next_attempt(1, now=START + KEEP_TRYING, give_up_at=START + KEEP_TRYING, chance=0) is None
