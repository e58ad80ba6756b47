"""Ticks and labels."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.report.canvas import axes
from evaluation.report.scale import Axis, log_ticks, spread_axis, spread_labels, straight_axis


def test_ticks_of_a_logarithmic_axis_are_round() -> None:
    assert log_ticks(150, 2500) == [200, 500, 1000, 2000]
    assert log_ticks(1, 1000) == [1, 10, 100, 1000]


@given(st.floats(1e-6, 1e6), st.floats(2, 1e9))
def test_ticks_lie_inside_and_are_few(low: float, factor: float) -> None:
    ticks = log_ticks(low, low * factor)
    assert len(ticks) <= 5
    assert all(low <= tick <= low * factor for tick in ticks)


@given(st.lists(st.floats(0, 500), min_size=1, max_size=8))
def test_labels_keep_apart_and_never_sink(places: list[float]) -> None:
    moved = spread_labels(places, apart=13)
    ranked = sorted(moved)
    assert all(upper - lower >= 13 - 1e-6 for lower, upper in pairwise(ranked))
    assert all(after >= before for before, after in zip(places, moved, strict=True))


def test_labels_that_are_apart_stay_where_they_are() -> None:
    assert spread_labels([40.0, 0.0, 20.0], apart=13) == [40.0, 0.0, 20.0]


def test_what_costs_nothing_has_a_place_on_a_logarithmic_axis() -> None:
    with axes(2) as drawn:
        drawn.plot([0.0, 0.01], [1, 2])
        spread_axis(drawn, "x", Axis(title="Cost", unit="usd"), [0.0, 0.01])
        low, high = drawn.get_xlim()
        assert low < 0
        assert high > 0.01
        assert 0.0 in list(drawn.get_xticks())


@pytest.mark.parametrize("values", [[0.98, 1.0], [0.0, 0.01], [0.5, 0.5], [0.0, 1.0]])
def test_an_axis_of_shares_shows_twenty_points_or_more_and_none_that_cannot_be(values: list[float]) -> None:
    with axes(2) as drawn:
        drawn.plot([1, 2], values)
        straight_axis(drawn, "y", Axis(title="Share", unit="share"))
        low, high = drawn.get_ylim()
    assert low <= min(values) <= max(values) <= high
    assert high - low >= 0.2
    assert low >= -0.05
    assert high <= 1.05
