from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from domain.errors import ProviderBadAnswer, ProviderRateLimited, ProviderTimedOut, ProviderUnavailable
from service.jobs.retrying import BAD_ANSWERS, LONGEST_WAIT_S, UNFORESEEN, Patience
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


def test_a_provider_is_not_asked_before_it_wants_to_be() -> None:
    assert Patience(patience_s=3600).wait_s(ProviderRateLimited("p", "slow down", retry_after_s=90)) == 90


def test_what_may_be_the_articles_fault_gets_a_few_runs() -> None:
    patience = Patience(patience_s=3600)
    bad = [patience.wait_s(ProviderBadAnswer("p", "nonsense")) for _ in range(BAD_ANSWERS)]
    assert [wait is None for wait in bad] == [False] * (BAD_ANSWERS - 1) + [True]
    patience = Patience(patience_s=3600)
    unforeseen = [patience.wait_s(KeyError()) for _ in range(UNFORESEEN)]
    assert [wait is None for wait in unforeseen] == [False] * (UNFORESEEN - 1) + [True]
