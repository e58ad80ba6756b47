from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ratelimit import InvalidRate, Rate, RateLimiter, parse_rate


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


TWO_A_MINUTE = Rate(2, 60, "2/minute")


def test_calls_over_the_rate_are_refused_until_the_oldest_has_left_the_window() -> None:
    clock = Clock()
    limiter = RateLimiter(clock)

    first = limiter.hit("me", TWO_A_MINUTE)
    clock.now = 30
    second = limiter.hit("me", TWO_A_MINUTE)
    clock.now = 31
    third = limiter.hit("me", TWO_A_MINUTE)
    clock.now = 60
    fourth = limiter.hit("me", TWO_A_MINUTE)

    assert (first.allowed, first.remaining, first.reset_s) == (True, 1, 60)
    assert (second.allowed, second.remaining, second.reset_s) == (True, 0, 30)
    assert (third.allowed, third.remaining, third.reset_s) == (False, 0, 29)
    assert (fourth.allowed, fourth.remaining, fourth.reset_s) == (True, 0, 30)


def test_callers_do_not_share_a_window() -> None:
    limiter = RateLimiter(Clock())
    limiter.hit("me", Rate(1, 60, "1/minute"))

    assert limiter.hit("you", Rate(1, 60, "1/minute")).allowed


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 5))
def test_no_window_ever_holds_more_calls_than_the_rate(gaps: list[float], limit: int) -> None:
    clock = Clock()
    limiter = RateLimiter(clock)
    allowed: list[float] = []
    for gap in gaps:
        clock.now += gap
        if limiter.hit("me", Rate(limit, 60, "")).allowed:
            allowed.append(clock.now)

    assert all(later - earlier >= 60 for earlier, later in zip(allowed, allowed[limit:], strict=False))


def test_headers_follow_the_draft_and_a_refusal_says_when_to_come_back() -> None:
    limiter = RateLimiter(Clock())
    rate = Rate(1, 60, "1/minute")

    assert limiter.hit("me", rate).headers() == {
        "RateLimit-Policy": '"key";q=1;w=60',
        "RateLimit": '"key";r=0;t=60',
    }
    assert limiter.hit("me", rate).headers()["Retry-After"] == "60"


@pytest.mark.parametrize(
    ("text", "limit", "window"),
    [("60/minute", 60, 60), ("10/second", 10, 1), ("5 per 2 hour", 5, 7200), (" 1/day ", 1, 86400)],
)
def test_rates_are_read_as_people_write_them(text: str, limit: int, window: int) -> None:
    assert parse_rate(text) == Rate(limit, window, text.strip())


@pytest.mark.parametrize("text", ["", "often", "0/minute", "-1/minute", "60", "60/fortnight", "99999999/minute"])
def test_what_is_no_rate_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidRate, match="60/minute"):
        parse_rate(text)
