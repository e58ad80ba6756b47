from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from service.limits.shares import fair_shares

wants = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(0, 50), min_size=1, max_size=12)


@settings(deadline=None)
@given(st.integers(0, 100), wants, st.floats(0, 1e9))
def test_shares_never_add_up_to_more_than_there_is(total: int, wanted: dict[str, int], now: float) -> None:
    shares = fair_shares(total, wanted, now)
    assert sum(shares.values()) == min(total, sum(wanted.values()))
    assert all(0 <= shares[holder] <= wanted[holder] for holder in wanted)


@settings(deadline=None)
@given(st.integers(0, 100), wants, st.floats(0, 1e9))
def test_nobody_gets_two_more_than_one_who_wants_more(total: int, wanted: dict[str, int], now: float) -> None:
    shares = fair_shares(total, wanted, now)
    unmet = [shares[holder] for holder in wanted if shares[holder] < wanted[holder]]
    assert all(max(shares.values()) <= share + 1 for share in unmet)


def test_with_fewer_places_than_processes_everybody_has_a_turn() -> None:
    wanted = dict.fromkeys("abcde", 3)
    lucky = {holder for now in range(0, 3000, 10) for holder, share in fair_shares(1, wanted, now).items() if share}
    assert lucky == set("abcde")
