from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.limits.bucket import Bucket

moments = st.lists(st.floats(0, 30), min_size=1, max_size=80)
amounts = st.integers(1, 400)


def grants(bucket: Bucket, gaps: list[float], asked: list[int]) -> list[tuple[float, int]]:
    """When and how much is given to calls that come after these gaps and do not come again."""
    now, given_out = bucket.at, []
    for gap, amount in zip(gaps, asked, strict=False):
        now += gap
        bucket = bucket.at_moment(now)
        if bucket.gives(amount):
            bucket = bucket.without(amount)
            given_out.append((now, amount))
    return given_out


@settings(deadline=None)
@given(st.integers(1, 2000), moments, st.lists(amounts, min_size=80, max_size=80))
def test_no_stretch_of_time_gets_more_than_capacity_and_what_came_in(
    per_minute: int, gaps: list[float], asked: list[int]
) -> None:
    bucket = Bucket.of_tokens(per_minute)
    given_out = grants(bucket, gaps, asked)
    for index, (start, _) in enumerate(given_out):
        total = 0
        for when, amount in given_out[index:]:
            total += amount
            paid_later = max(0.0, amount - bucket.capacity)  # more than fits is given by a full bucket only
            assert total <= bucket.capacity + bucket.rate * (when - start) + paid_later + 1e-3


@settings(deadline=None)
@given(st.integers(1, 200), st.lists(st.floats(0, 3), min_size=1, max_size=400))
def test_no_minute_sees_more_requests_than_the_limit(per_minute: int, gaps: list[float]) -> None:
    given_out = [when for when, _ in grants(Bucket.of_requests(per_minute), gaps, [1] * len(gaps))]
    for start in given_out:
        assert sum(1 for when in given_out if start <= when < start + 60) <= per_minute


@settings(deadline=None)
@given(st.integers(1, 5000), st.integers(1, 20_000))
def test_who_waits_as_long_as_told_is_given(per_minute: int, amount: int) -> None:
    bucket = Bucket.of_tokens(per_minute).without(amount)
    later = bucket.at_moment(bucket.wait_s(amount) + 1e-6)
    assert later.gives(amount)


@pytest.mark.parametrize("per_minute", [1, 2, 10, 60, 1000])
def test_nearly_all_of_the_limit_is_used(per_minute: int) -> None:
    bucket, now, count = Bucket.of_requests(per_minute), 0.0, 0
    while now < 600:
        now += bucket.wait_s(1)
        bucket = bucket.at_moment(now).without(1)
        count += 1
    assert count >= per_minute * 10 * 0.85


def test_a_clock_that_goes_back_fills_nothing() -> None:
    empty = Bucket.of_requests(60, level=0.0, at=100.0)
    assert empty.at_moment(50.0).level == 0.0
    assert empty.at_moment(50.0).at_moment(101.0).level == pytest.approx(empty.rate)


def test_what_was_not_used_is_given_back_up_to_the_brim() -> None:
    bucket = Bucket.of_tokens(1000)
    assert bucket.without(60).without(-20).level == 60
    assert bucket.without(-500).level == bucket.capacity
