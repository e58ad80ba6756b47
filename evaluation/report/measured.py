"""What was measured: each pipeline's numbers with their intervals, and by how much one is ahead of another."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

from evaluation.report.numbers import Span, difference_text, span_text
from evaluation.results import REFERENCE
from evaluation.statistics import compare, summarise

if TYPE_CHECKING:
    from evaluation.metric import Metric
    from evaluation.results import PipelineResults, Results

Standing = Literal["ahead", "behind", "level"]

FEWEST_CASES: Final = 10
"""With fewer a bootstrap draws the same few cases over and over and finds differences that are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One metric of one pipeline.

    Args:
        value: The mean, or the value of the whole set; None when nothing was scored.
        span: The mean's interval, where there is one.
        median: Of the scored values.
        p95: Of the scored values.
        scored: Runs with a value; 1 for a metric of the whole set.
        unscored: Runs without.
        reason: The most frequent reason for having no value.
        of_set: Whether it is one value over the whole set.
    """

    value: float | None
    span: Span | None = None
    median: float | None = None
    p95: float | None = None
    scored: int = 0
    unscored: int = 0
    reason: str = ""
    of_set: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """By how much one pipeline's mean is above another's over the cases that both were scored on.

    Args:
        metric: What was measured.
        value: Difference of the means, case by case.
        span: Its interval.
        cases: How many both were scored on.
    """

    metric: Metric
    value: float
    span: Span
    cases: int

    @property
    def standing(self) -> Standing:
        """Who is ahead, as far as the interval shows it: one that has 0 in it shows nothing."""
        if self.metric.better == "neither" or self.span.low <= 0 <= self.span.high:
            return "level"
        return "ahead" if (self.value > 0) == (self.metric.better == "higher") else "behind"

    @property
    def text(self) -> str:
        """Such as `+12.0 points (+3.1 to +20.4 points)`."""
        unit = self.metric.unit
        span = span_text(self.span.low, self.span.high, unit, signed=True)
        return f"{difference_text(self.value, unit)} ({span})"


@dataclass(frozen=True)
class Measures:
    """Every number of a report, computed once.

    Args:
        results: Of the experiment.
    """

    results: Results
    _known: dict[tuple[str, str], Measured] = field(default_factory=dict, init=False, repr=False)
    _gaps: dict[tuple[str, str, str], Gap | None] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def pipelines(self) -> tuple[PipelineResults, ...]:
        """All but the riddles that people wrote."""
        return tuple(one for one in self.results.pipelines if one.pipeline != REFERENCE)

    @cached_property
    def reference(self) -> PipelineResults | None:
        """The riddles that people wrote, where there are any."""
        return next((one for one in self.results.pipelines if one.pipeline == REFERENCE), None)

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Names of all, people's riddles last; a pipeline's place decides its colour and shape."""
        people = (REFERENCE,) if self.reference else ()
        return (*(one.pipeline for one in self.pipelines), *people)

    @cached_property
    def headlines(self) -> tuple[Metric, ...]:
        """Metrics of the short table."""
        return tuple(metric for metric in self.results.metrics if metric.headline)

    def of(self, results: PipelineResults, metric: Metric) -> Measured:
        """That metric of that pipeline."""
        key = (results.pipeline, metric.name)
        if key not in self._known:
            self._known[key] = _measure(results, metric)
        return self._known[key]

    def gap(self, one: PipelineResults, other: PipelineResults, metric: Metric) -> Gap | None:
        """By how much `one` is above `other`; None where fewer than `FEWEST_CASES` were scored for both."""
        key = (one.pipeline, other.pipeline, metric.name)
        if key not in self._gaps:
            gap = _compare(one, other, metric)
            self._gaps[key] = gap
            self._gaps[other.pipeline, one.pipeline, metric.name] = _turned(gap) if gap else None
        return self._gaps[key]

    def leader(self, metric: Metric) -> PipelineResults | None:
        """The pipeline with the best mean; None where none is better or none was scored."""
        if metric.better == "neither":
            return None
        sign = 1 if metric.better == "higher" else -1
        values = [(self.of(one, metric).value, one) for one in self.pipelines]
        scored = [(sign * value, one) for value, one in values if value is not None]
        return max(scored, key=lambda pair: pair[0])[1] if scored else None


def _measure(results: PipelineResults, metric: Metric) -> Measured:
    if metric.name in results.set_scores:
        score = results.set_scores[metric.name]
        return Measured(value=score.value, scored=int(score.value is not None), reason=score.reason, of_set=True)
    pairs = results.of(metric.name)
    summary = summarise(pairs, metric)
    reasons = Counter(score.reason for _, score in pairs if score.value is None and score.reason)
    return Measured(
        value=summary.mean,
        span=Span(summary.interval.low, summary.interval.high) if summary.interval else None,
        median=summary.p50,
        p95=summary.p95,
        scored=summary.scored,
        unscored=len(results.outcomes) - summary.scored,
        reason=next((reason for reason, _ in reasons.most_common(1)), ""),
    )


def _compare(one: PipelineResults, other: PipelineResults, metric: Metric) -> Gap | None:
    found = compare(other.of(metric.name), one.of(metric.name))
    if found.mean is None or found.interval is None or found.cases < FEWEST_CASES:
        return None
    return Gap(metric=metric, value=found.mean, span=Span(found.interval.low, found.interval.high), cases=found.cases)


def _turned(gap: Gap) -> Gap:
    return Gap(metric=gap.metric, value=-gap.value, span=Span(-gap.span.high, -gap.span.low), cases=gap.cases)


def values_of(results: PipelineResults, metric: str) -> tuple[float, ...]:
    """All values of a metric that there are."""
    return tuple(score.value for _, score in results.of(metric) if score.value is not None)
