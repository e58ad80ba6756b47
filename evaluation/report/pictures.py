"""The pictures: which plots a report has, and the numbers that go into them."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Final

from evaluation.evaluators.solver import among
from evaluation.evaluators.stories import LINEUP
from evaluation.report.measured import values_of
from evaluation.report.numbers import value_text
from evaluation.report.pareto import Point
from evaluation.report.plots import Bars, Series, bars_plot, pareto_plot, spread_plot
from evaluation.report.scale import Axis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evaluation.metric import Metric
    from evaluation.report.canvas import Plot
    from evaluation.report.measured import Measures
    from evaluation.results import PipelineResults


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """All plots of a report.

    Args:
        by_latency: Quality against latency, a plot for each quality.
        by_cost: Quality against cost; empty unless the costs of two pipelines are known.
        costs: Pipelines with the median cost of their riddles, where it is known.
        no_cost: Pipelines where it is not.
        solver: Solver accuracy by distractor difficulty; None when no solver was asked.
        spreads: How values are spread.
    """

    by_latency: tuple[Plot, ...]
    by_cost: tuple[Plot, ...]
    costs: tuple[tuple[str, str], ...]
    no_cost: tuple[str, ...]
    solver: Plot | None
    spreads: tuple[Plot, ...]


def pictures(measures: Measures) -> Pictures:
    """Draw them.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    costs = _costs(measures)
    return Pictures(
        by_latency=_against(measures, LATENCY),
        by_cost=_against(measures, COST) if len(costs) > 1 else (),
        costs=tuple((name, value_text(cost, "usd")) for name, cost in costs.items()),
        no_cost=tuple(one.pipeline for one in measures.pipelines if one.pipeline not in costs),
        solver=_solver(measures),
        spreads=tuple(_spreads(measures)),
    )


def points(measures: Measures, quality: Metric, takes: str) -> list[Point]:
    """Each pipeline between the median of what a run takes and the mean of that quality; without those unscored."""
    cost = _metric(measures, takes)
    found = []
    for one in measures.pipelines:
        gives = measures.of(one, quality)
        taken = measures.of(one, cost).median if cost else None
        if taken is not None and gives.value is not None:
            found.append(Point(name=one.pipeline, takes=taken, gives=gives.value, span=gives.span))
    return found


def chance(results: PipelineResults, metric: str) -> float | None:
    """What guessing would reach on the scored riddles; fewer stories in the dataset make it easier."""
    scores = [score for _, score in results.of(metric) if score.value is not None]
    return fmean(1 / _SMALL_LINEUPS.get(score.reason, LINEUP) for score in scores) if scores else None


def _against(measures: Measures, takes: str) -> tuple[Plot, ...]:
    axis = (
        Axis(title="Median latency", unit="ms") if takes == LATENCY else Axis(title="Median cost a riddle", unit="usd")
    )
    drawn = []
    for quality in _qualities(measures):
        found = points(measures, quality, takes)
        people = measures.of(measures.reference, quality).value if measures.reference else None
        if found:
            drawn.append(
                pareto_plot(
                    found,
                    measures.order,
                    takes=axis,
                    gives=Axis(title=quality.title, unit=quality.unit),
                    key=f"{takes}-{quality.name}",
                    people=people,
                )
            )
    return tuple(drawn)


def _costs(measures: Measures) -> dict[str, float]:
    cost = _metric(measures, COST)
    medians = {one.pipeline: measures.of(one, cost).median for one in measures.pipelines} if cost else {}
    return {name: median for name, median in medians.items() if median is not None}


def _qualities(measures: Measures) -> list[Metric]:
    good = [metric for metric in measures.headlines if metric.better == "higher" and metric.group != "retrieval"]
    return sorted(good, key=lambda metric: _FIRST.index(metric.name) if metric.name in _FIRST else len(_FIRST))


def _solver(measures: Measures) -> Plot | None:
    everybody = [measures.results.pipeline(name) for name in measures.order]
    there = {
        label: metric
        for name, label in _DIFFICULTIES.items()
        if (metric := _metric(measures, name)) and any(measures.of(one, metric).value is not None for one in everybody)
    }
    if not there:
        return None
    bars = []
    for index, one in enumerate(everybody):
        measured = [measures.of(one, metric) for metric in there.values()]
        bars.append(
            Bars(
                name=one.pipeline,
                index=index,
                shares=tuple(found.value for found in measured),
                spans=tuple(found.span for found in measured),
            )
        )
    chances = []
    for metric in there.values():
        known = [share for one in everybody if (share := chance(one, metric.name)) is not None]
        chances.append(fmean(known) if known else None)
    axis = Axis(title="Solver accuracy@1", unit="share")
    return bars_plot(bars, tuple(there), axis=axis, key="solver", chances=chances)


def _spreads(measures: Measures) -> Iterator[Plot]:
    for metric in measures.results.metrics:
        if metric.binary or metric.name not in _SPREAD:
            continue
        series = [
            Series(name=name, index=index, values=values)
            for index, name in enumerate(measures.order)
            if (values := values_of(measures.results.pipeline(name), metric.name))
        ]
        if any(len(one.values) > 1 for one in series):
            axis = Axis(title=metric.title, unit=metric.unit, log=metric.unit in {"ms", "usd"})
            yield spread_plot(series, axis, key=f"spread-{metric.name}")


def _metric(measures: Measures, name: str) -> Metric | None:
    return next((metric for metric in measures.results.metrics if metric.name == name), None)


LATENCY: Final = "latency_ms"
COST: Final = "cost_usd"
_FIRST: Final = ("published", "solver_accuracy", "rougeL", "faithfulness")
_DIFFICULTIES: Final = {
    "solver_accuracy": "random",
    "solver_accuracy_topic": "same topic\nor day",
    "solver_accuracy_hard": "most\nsimilar",
    "model_solver_accuracy": "model,\nrandom",
}
_SPREAD: Final = frozenset(
    {
        *(LATENCY, COST, "output_tokens", "solver_margin", "rougeL", "faithfulness", "entailment", "compression"),
        *("rhyme", "metre", "riddle_words", "copied_run", "perplexity"),
    }
)
"""Metrics whose spread tells something that the mean does not."""
_SMALL_LINEUPS: Final = {among(stories): stories for stories in range(2, LINEUP)}
