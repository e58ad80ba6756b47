from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.models.retries import QuotaExhausted, RetryPolicy, retry_after
from domain.errors import (
    ProviderBadAnswer,
    ProviderError,
    ProviderRateLimited,
    ProviderTimedOut,
    ProviderUnavailable,
)

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)


class Attempts:
    """Fails as told, then answers."""

    def __init__(self, *errors: ProviderError) -> None:
        self.errors = list(errors)
        self.count = 0

    async def __call__(self) -> str:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


@pytest.mark.parametrize("leaf", [ProviderRateLimited, ProviderTimedOut, ProviderUnavailable])
async def test_passing_failures_are_tried_again(leaf: type[ProviderError]) -> None:
    attempts = Attempts(leaf("openai", "x"), leaf("openai", "x"))
    assert await RetryPolicy(max_retries=2, max_wait_s=1).call(attempts) == "answer"
    assert attempts.count == 3


async def test_a_bad_answer_is_not_tried_again() -> None:
    attempts = Attempts(ProviderBadAnswer("openai", "400"))
    with pytest.raises(ProviderBadAnswer):
        await RetryPolicy(max_retries=5, max_wait_s=1).call(attempts)
    assert attempts.count == 1


async def test_an_empty_quota_is_not_tried_again() -> None:
    attempts = Attempts(QuotaExhausted("openai", "pay first"))
    with pytest.raises(ProviderRateLimited):
        await RetryPolicy(max_retries=5, max_wait_s=1).call(attempts)
    assert attempts.count == 1


async def test_the_last_error_is_raised_when_tries_are_used_up() -> None:
    attempts = Attempts(*(ProviderUnavailable("openai", str(number)) for number in range(5)))
    with pytest.raises(ProviderUnavailable, match="2"):
        await RetryPolicy(max_retries=2, max_wait_s=1).call(attempts)


async def test_a_wait_longer_than_allowed_is_an_error_at_once() -> None:
    attempts = Attempts(ProviderRateLimited("openai", "x", retry_after_s=3600))
    with pytest.raises(ProviderRateLimited) as caught:
        await RetryPolicy(max_retries=5, max_wait_s=20).call(attempts)
    assert attempts.count == 1
    assert caught.value.retry_after_s == 3600


def test_retry_after_is_read_as_seconds_milliseconds_or_date() -> None:
    assert retry_after({"retry-after": "7"}) == 7
    assert retry_after({"retry-after-ms": "250", "retry-after": "7"}) == 0.25
    assert retry_after({"retry-after": "Wed, 25 Nov 2026 12:00:30 GMT"}, now=NOW) == 30


def test_a_date_in_the_past_means_now() -> None:
    assert retry_after({"retry-after": "Wed, 25 Nov 2026 11:00:00 GMT"}, now=NOW) == 0


@given(st.text())
def test_a_senseless_retry_after_says_nothing_or_a_time_to_come(value: str) -> None:
    seconds = retry_after({"retry-after": value}, now=NOW)
    assert seconds is None or seconds >= 0
