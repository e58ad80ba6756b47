"""The metric: what a number means, so that tables, plots and gates can be made without knowing each evaluator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Group = Literal["summary", "riddle", "retrieval", "running", "language model", "judge"]
Better = Literal["higher", "lower", "neither"]
Unit = Literal["share", "score", "count", "words", "ms", "tokens", "usd"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What an evaluator measures.

    Args:
        name: Lower-case words joined by underscores, such as `solver_accuracy`.
        title: For headings, such as `Solver accuracy@1`.
        group: Which part of the work it is about.
        unit: `share` is 0 to 1 and shown in percent.
        better: Whether more is better.
        about: One sentence on what it measures.
        blind_to: One sentence on what it cannot see.
        binary: Whether each case's value is 0 or 1, so that Wilson's interval holds; else the interval is bootstrapped.
        headline: Whether it stands in the short table.
    """

    name: str
    title: str
    group: Group
    unit: Unit
    better: Better
    about: str
    blind_to: str
    binary: bool = False
    headline: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """One value of one metric; None is unscored (no reference, no judge, the run failed), which is never counted as 0.

    Args:
        value: In the metric's unit.
        reason: Why there is no value, or what a person should know of it; empty otherwise.
    """

    value: float | None
    reason: str = ""
