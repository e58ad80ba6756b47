"""The frontier of Vilfredo Pareto: who cannot be bettered in one thing without giving up another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evaluation.report.numbers import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One pipeline between what it is worth and what it takes.

    Args:
        name: The pipeline's.
        takes: Time or money: less is better.
        gives: Quality: more is better.
        span: Interval of the quality, where there is one.
    """

    name: str
    takes: float
    gives: float
    span: Span | None = None


def frontier(points: Sequence[Point]) -> list[Point]:
    """The points that no other one dominates, from the one that takes least to the one that gives most.

    A point dominates another when it takes no more and gives no less, and is better in at least one of the two. Points
    that are equal in both stand together. Intervals do not count: a frontier is of the means as measured.
    """
    return sorted(
        (point for point in points if not any(_dominates(other, point) for other in points)),
        key=lambda point: (point.takes, point.gives, point.name),
    )


def _dominates(one: Point, other: Point) -> bool:
    no_worse = one.takes <= other.takes and one.gives >= other.gives
    return no_worse and (one.takes < other.takes or one.gives > other.gives)
