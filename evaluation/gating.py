"""The gate for changes: may a candidate take the place of a baseline?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import InvalidInput
from evaluation.comparison import compare_metric
from evaluation.statistics import case_means

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evaluation.comparison import MetricComparison
    from evaluation.metric import Metric
    from evaluation.results import PipelineResults

MAX_UNSCORED = 0.1
"""Share of the baseline's scored cases on which a candidate may be without a score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate says of one metric.

    Args:
        compared: Baseline first, candidate second.
        allowed: How much worse the candidate may be on average, in the metric's unit.
        drop: How much worse it is on average over the common cases; below 0 it is better. None without a common case.
        worst: The end of the drop's 95% interval that is worse; None with fewer than two common cases.
        lost: Share of the baseline's scored cases on which the candidate is without a score.
        reason: Why the candidate does not pass; empty when it does.
    """

    compared: MetricComparison
    allowed: float
    drop: float | None
    worst: float | None
    lost: float
    reason: str

    @property
    def passed(self) -> bool:
        """Whether the candidate passes."""
        return not self.reason


def judge_candidate(
    baseline: PipelineResults,
    candidate: PipelineResults,
    allowed: Mapping[Metric, float],
    *,
    max_unscored: float = MAX_UNSCORED,
    strict: bool = False,
) -> tuple[Verdict, ...]:
    """Judge a candidate in each of some metrics.

    The drop of a metric is the mean, over the cases that both have a value for (repeats averaged first), of baseline
    less candidate where higher is better, and of candidate less baseline where lower is. A candidate passes when

    * the drop is not larger than allowed;
    * with `strict`, the worse end of the drop's 95% bootstrap interval is not larger than allowed either;
    * it has a value on all but `max_unscored` of the cases that the baseline has one for, because a pipeline that fails
      on the hard cases must not look better for it;
    * there is a common case at all.

    Raises:
        InvalidInput: Neither way is better in one of the metrics.
    """
    return tuple(
        _verdict(baseline, candidate, metric, drop, max_unscored=max_unscored, strict=strict)
        for metric, drop in allowed.items()
    )


def _verdict(
    baseline: PipelineResults,
    candidate: PipelineResults,
    metric: Metric,
    allowed: float,
    *,
    max_unscored: float,
    strict: bool,
) -> Verdict:
    if metric.better == "neither":
        raise InvalidInput(metric.name, "cannot be gated: neither more nor less of it is better")
    compared = compare_metric(baseline, candidate, metric)
    sign = -1.0 if metric.better == "higher" else 1.0
    difference = compared.difference
    drop = None if difference.mean is None else sign * difference.mean
    ends = difference.interval
    worst = None if ends is None else max(sign * ends.low, sign * ends.high)
    scored = case_means(baseline.of(metric.name))
    lost = 1 - difference.cases / len(scored) if scored else 0.0
    if drop is None:
        reason = "no case has a value of both"
    elif lost > max_unscored:
        reason = f"without a value on {lost:.0%} of the baseline's cases, {max_unscored:.0%} allowed"
    elif drop > allowed + _ROUNDING:
        reason = f"worse by {drop:.4g}, {allowed:.4g} allowed"
    elif strict and (worst is None or worst > allowed + _ROUNDING):
        shown = "unknown" if worst is None else f"{worst:.4g}"
        reason = f"may be worse by {shown} (end of the interval), {allowed:.4g} allowed"
    else:
        reason = ""
    return Verdict(compared=compared, allowed=allowed, drop=drop, worst=worst, lost=lost, reason=reason)


_ROUNDING = 1e-9
