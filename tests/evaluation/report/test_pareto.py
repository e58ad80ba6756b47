"""Who is on the frontier."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evaluation.report.pareto import Point, frontier


def point(name: str, takes: float, gives: float) -> Point:
    return Point(name=name, takes=takes, gives=gives)


def names(*points: Point) -> list[str]:
    return [one.name for one in frontier(points)]


def test_the_frontier_of_known_points() -> None:
    slow_best, quick, middle = point("slow best", 9, 0.9), point("quick", 1, 0.2), point("middle", 4, 0.6)
    slower_worse, as_slow_worse = point("slower and worse", 5, 0.5), point("as slow and worse", 4, 0.4)
    assert names(slow_best, quick, slower_worse, middle, as_slow_worse) == ["quick", "middle", "slow best"]


def test_as_good_and_slower_is_not_on_it() -> None:
    assert names(point("slower", 2, 0.5), point("quicker", 1, 0.5)) == ["quicker"]


def test_equal_points_stand_together() -> None:
    assert names(point("b", 1, 0.5), point("a", 1, 0.5)) == ["a", "b"]


def test_one_point_is_the_frontier() -> None:
    assert names(point("only", 3, 0.0)) == ["only"]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12))
def test_whoever_is_not_on_it_is_bettered_by_one_who_is(places: list[tuple[int, int]]) -> None:
    points = [point(str(number), takes, gives) for number, (takes, gives) in enumerate(places)]
    best = frontier(points)
    assert best
    for one in points:
        if one not in best:
            assert any(other.takes <= one.takes and other.gives >= one.gives for other in best)
    rising = [(one.takes, one.gives) for one in best]
    assert rising == sorted(rising)
