"""The scale of a plot's axis: where the ticks stand and what is written at them, and labels kept off each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal

from evaluation.report.numbers import tick_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evaluation.metric import Unit

Side = Literal["x", "y"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """What an axis measures.

    Args:
        title: Written along it.
        unit: Of its values.
        log: Whether equal distances are equal factors.
    """

    title: str
    unit: Unit
    log: bool = False


def straight_axis(drawn: Any, side: Side, axis: Axis, _values: Sequence[float] = ()) -> None:
    """Make that side of the axes a linear scale with at most six ticks, in the axis' unit."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    drawn.margins(**{side: 0.08})
    if axis.unit == "share":
        _keep_to_shares(drawn, side)
    one = getattr(drawn, f"{side}axis")
    one.set_major_locator(MaxNLocator(5 if side == "y" else 4, steps=[1, 2, 5, 10]))
    one.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value, axis.unit)))
    one.set_label_text(axis.title)


def spread_axis(drawn: Any, side: Side, axis: Axis, values: Sequence[float]) -> None:
    """Make that side of the axes a logarithmic scale; where a value is 0, one that is linear near 0.

    Args:
        drawn: matplotlib's axes.
        side: Which of the two.
        axis: What it measures.
        values: All that is drawn, none negative.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    positive = [value for value in values if value > 0]
    low, high = (min(positive), max(positive)) if positive else (1.0, 1.0)
    start, end = low / _ROOM, high * _ROOM
    ticks = log_ticks(start, end)
    if positive and len(positive) == len(values):
        getattr(drawn, f"set_{side}scale")("log")
    else:
        getattr(drawn, f"set_{side}scale")("symlog", linthresh=low)
        start, ticks = -low / 2, [0.0, *(tick for tick in ticks if tick >= low)]
    getattr(drawn, f"set_{side}lim")(start, end)
    one = getattr(drawn, f"{side}axis")
    one.set_major_locator(FixedLocator(ticks))
    one.set_minor_locator(NullLocator())
    one.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value, axis.unit)))
    one.set_label_text(f"{axis.title}, logarithmic")


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`, both above 0: fewer to a power of ten the more of them there are."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for steps in ((1, 2, 5), (1, 3), (1,)):
        ticks = [step * 10.0**power for power in range(first, last + 1) for step in steps]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) <= _MOST_TICKS:
            return inside
    return inside[:: math.ceil(len(inside) / _MOST_TICKS)]


def spread_labels(places: Sequence[float], *, apart: float) -> list[float]:
    """The places moved up as little as it takes for each to be `apart` from the others, in the order given."""
    moved = list(places)
    ranks = sorted(range(len(places)), key=places.__getitem__)
    for lower, upper in pairwise(ranks):
        moved[upper] = max(moved[upper], moved[lower] + apart)
    return moved


def _keep_to_shares(drawn: Any, side: Side) -> None:
    """Nothing above 100% or below 0%, and no difference of a few points as large as the plot."""
    low, high = getattr(drawn, f"get_{side}lim")()
    low, high = max(0.0, low), min(1.0, high)
    missing = max(0.0, _LEAST_SHARES - (high - low))
    high = min(1.0, high + missing / 2)
    low = max(0.0, min(low, high - _LEAST_SHARES))
    high = max(high, low + _LEAST_SHARES)
    edge = _EDGE * (high - low)
    getattr(drawn, f"set_{side}lim")(low - edge, high + edge)


_ROOM: Final = 1.6
_MOST_TICKS: Final = 5
_LEAST_SHARES: Final = 0.2
_EDGE: Final = 0.04
