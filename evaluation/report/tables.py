"""The tables: pipelines side by side, one row a metric, every number with its interval and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from evaluation.report.numbers import UNSCORED, span_text, value_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evaluation.metric import Metric
    from evaluation.report.measured import Measured, Measures

Mark = Literal["", "best", "level"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One number.

    Args:
        value: With its unit, or that nothing was scored.
        span: Its interval; empty where there is none.
        note: What it rests on: how many runs, how many unscored and why.
        mark: `best` for the best mean where it is shown to be ahead of anyone, `level` where no difference to it is
            shown.
        n: Runs with a value; 1 for a metric of the whole set.
        missing: Runs without one.
    """

    value: str
    span: str = ""
    note: str = ""
    mark: Mark = ""
    n: int = 0
    missing: int = 0

    @property
    def scored(self) -> bool:
        """Whether there is a value."""
        return self.n > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One metric over all pipelines; `better` is empty where neither more nor less is."""

    title: str
    better: str
    about: str
    blind_to: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Metrics of one group; columns are the pipelines of `Measures.order`."""

    title: str
    rows: tuple[Row, ...]


def headline_table(measures: Measures) -> Table:
    """The short table."""
    return _table("The pipelines side by side", measures, measures.headlines)


def group_tables(measures: Measures) -> tuple[Table, ...]:
    """All metrics, a table a group, in the order in which groups first occur."""
    groups = dict.fromkeys(metric.group for metric in measures.results.metrics)
    return tuple(
        _table(
            group[0].upper() + group[1:],
            measures,
            [metric for metric in measures.results.metrics if metric.group == group],
        )
        for group in groups
    )


def _table(title: str, measures: Measures, metrics: Sequence[Metric]) -> Table:
    return Table(title=title, rows=tuple(_row(measures, metric) for metric in metrics))


def _row(measures: Measures, metric: Metric) -> Row:
    marks = _marks(measures, metric)
    people = (measures.reference,) if measures.reference else ()
    return Row(
        title=metric.title,
        better="" if metric.better == "neither" else f"{metric.better} is better",
        about=metric.about,
        blind_to=metric.blind_to,
        cells=tuple(
            _cell(measures.of(one, metric), metric, marks.get(one.pipeline, ""))
            for one in (*measures.pipelines, *people)
        ),
    )


def _marks(measures: Measures, metric: Metric) -> dict[str, Mark]:
    """Who is best, and who cannot be told from the best; nobody when the best is ahead of no one."""
    best = measures.leader(metric)
    if best is None:
        return {}
    standings = {
        one.pipeline: gap.standing
        for one in measures.pipelines
        if one is not best and (gap := measures.gap(best, one, metric))
    }
    if "ahead" not in standings.values():
        return {}
    return {best.pipeline: "best", **{name: "level" for name, standing in standings.items() if standing != "ahead"}}


def _cell(measured: Measured, metric: Metric, mark: Mark) -> Cell:
    if measured.value is None:
        return Cell(value=UNSCORED, note=measured.reason)
    span = span_text(measured.span.low, measured.span.high, metric.unit) if measured.span else ""
    return Cell(
        value=value_text(measured.value, metric.unit),
        span=span,
        note=_note(measured, metric),
        mark=mark,
        n=measured.scored,
        missing=measured.unscored,
    )


def _note(measured: Measured, metric: Metric) -> str:
    if measured.of_set:
        return "over the whole set"
    parts = [f"n {measured.scored}"]
    if measured.unscored:
        parts.append(f"{measured.unscored} {UNSCORED}")
    if metric.unit in _SKEWED and measured.median is not None and measured.p95 is not None:
        parts.append(f"p50 {value_text(measured.median, metric.unit)}")
        parts.append(f"p95 {value_text(measured.p95, metric.unit)}")
    return ", ".join(parts)


_SKEWED: Final = frozenset({"ms", "tokens", "usd"})
"""Units of values where few are much larger than most, so that a mean alone misleads."""
