from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from chains.models.retries import QuotaExhausted
from domain.errors import ProviderBadAnswer, ProviderError, ProviderRateLimited, ProviderTimedOut, ProviderUnavailable
from service.jobs.retrying import BAD_ANSWERS, FIRST_WAIT_S, LONGEST_WAIT_S, UNFORESEEN, Patience
from tests.support.clock import Clock


@pytest.mark.parametrize(
    "error", [ProviderUnavailable("p", "down"), ProviderTimedOut("p", "slow"), OperationalError("x", {}, Exception())]
)
def test_what_is_not_the_articles_fault_is_waited_for_as_long_as_patience_lasts(error: Exception) -> None:
    clock = Clock(0.0)
    patience = Patience(patience_s=3600, clock=clock)
    waits = []
    while (wait := patience.wait_s(error)) is not None:
        waits.append(wait)
        clock.now += wait
    assert 3600 <= clock.now < 3600 + LONGEST_WAIT_S
    assert waits[0] <= 1
    assert max(waits) <= LONGEST_WAIT_S
    assert sum(waits[-10:]) > 8 * LONGEST_WAIT_S / 2


@pytest.mark.parametrize("leaf", [ProviderRateLimited, ProviderUnavailable, ProviderBadAnswer])
def test_a_provider_that_limits_leave_alone_is_asked_again_soon_after_its_pause_however_often(
    leaf: type[ProviderError],
) -> None:
    clock = Clock(0.0)
    patience = Patience(patience_s=3600, clock=clock)
    waits = []
    while (wait := patience.wait_s(leaf("p", "not now", retry_after_s=9))) is not None:
        waits.append(wait)
        clock.now += wait
    assert 9 <= min(waits) <= max(waits) <= 9 + FIRST_WAIT_S
    assert clock.now >= 3600


@pytest.mark.parametrize(
    "error", [QuotaExhausted("p", "pay", retry_after_s=1), ProviderTimedOut("p", "", retry_after_s=1)]
)
def test_what_limits_do_not_hold_back_is_waited_for_longer_each_time(error: ProviderError) -> None:
    patience = Patience(patience_s=3600)
    waits = [patience.wait_s(error) or 0.0 for _ in range(8)]
    assert waits[0] >= 1
    assert waits[7] >= LONGEST_WAIT_S / 2


def test_what_may_be_the_articles_fault_gets_a_few_runs() -> None:
    patience = Patience(patience_s=3600)
    bad = [patience.wait_s(ProviderBadAnswer("p", "nonsense")) for _ in range(BAD_ANSWERS)]
    assert [wait is None for wait in bad] == [False] * (BAD_ANSWERS - 1) + [True]
    patience = Patience(patience_s=3600)
    unforeseen = [patience.wait_s(KeyError()) for _ in range(UNFORESEEN)]
    assert [wait is None for wait in unforeseen] == [False] * (UNFORESEEN - 1) + [True]
