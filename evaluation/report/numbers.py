"""Numbers as people read them: shares in percent, milliseconds as seconds when there are many, prices in dollars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from evaluation.metric import Unit

MINUS: Final = "\u2212"
"""As wide as a plus, and no hyphen to break a line at."""

UNSCORED: Final = "not scored"
"""Stands where there is no value: never 0, never an empty cell."""


@dataclass(frozen=True, slots=True)
class Span:
    """From a low end to a high one, in a metric's unit."""

    low: float
    high: float


def value_text(value: float | None, unit: Unit) -> str:
    """`value` with its unit; `UNSCORED` when there is none."""
    if value is None:
        return UNSCORED
    size = _share_or_count(abs(value), unit) if unit not in _MEASURED else _MEASURED[unit](abs(value))
    return f"{MINUS}{size}" if value < 0 else size


def tick_text(value: float, unit: Unit) -> str:
    """`value` as it stands at an axis: no digit more than it takes."""
    if unit == "share":
        return f"{_plain(100 * value)}%"
    if unit == "usd":
        return f"${_plain(value)}"
    if unit == "ms":
        return f"{_plain(value / _SECOND)} s" if value >= _SECOND else f"{_plain(value)} ms"
    return _plain(value)


def difference_text(value: float, unit: Unit) -> str:
    """`value` with its sign; a difference of two shares is in percentage points."""
    if unit == "share":
        text = f"{100 * abs(value):.1f} points"
        size = text.removesuffix(" points")
    else:
        text = size = value_text(abs(value), unit)
    if not any(digit in size for digit in "123456789"):
        return text
    return f"{'+' if value > 0 else MINUS}{text}"


def span_text(low: float, high: float, unit: Unit, *, signed: bool = False) -> str:
    """From `low` to `high`; the unit stands once where both ends share it."""
    ends = [difference_text(end, unit) if signed else value_text(end, unit) for end in (low, high)]
    for shared in ("%", " points", " ms", " s"):
        if all(end.endswith(shared) for end in ends):
            ends[0] = ends[0].removesuffix(shared)
    return " to ".join(ends)


def _share_or_count(value: float, unit: Unit) -> str:
    if unit == "share":
        return f"{100 * value:.1f}%"
    if unit == "score":
        return f"{value:.3f}" if value < _SMALL_SCORE else f"{value:,.1f}"
    return f"{value:,.0f}" if value >= _MANY else f"{value:.1f}"


def _dollars(value: float) -> str:
    return f"${_significant(value, 2)}" if value < 1 else f"${value:,.2f}"


def _time(value: float) -> str:
    return f"{_significant(value / _SECOND, 3)} s" if value >= _SECOND else f"{_significant(value, 3)} ms"


def _plain(value: float) -> str:
    """Six digits at most, no zeros at the end, never in powers of ten."""
    text = f"{float(f'{abs(value):.6g}'):,.{_MOST_DECIMALS}f}".rstrip("0").rstrip(".")
    return f"{MINUS}{text}" if value < 0 and text != "0" else text


def _significant(value: float, digits: int) -> str:
    """`value` with that many digits that tell something, never in powers of ten."""
    if value == 0:
        return "0"
    if value >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    decimals = digits
    while decimals < _MOST_DECIMALS and value * 10**decimals < 10 ** (digits - 1):
        decimals += 1
    while decimals > 0 and value * 10**decimals >= 10**digits:
        decimals -= 1
    return f"{value:.{decimals}f}"


_MEASURED: Final[dict[Unit, Callable[[float], str]]] = {"usd": _dollars, "ms": _time}
_SECOND: Final = 1000
_SMALL_SCORE: Final = 10
_MANY: Final = 100
_MOST_DECIMALS: Final = 9
