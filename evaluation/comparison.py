"""Two pipelines case by case: how much they differ in each metric, and where which one is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import InvalidInput
from evaluation.statistics import case_differences, case_means, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evaluation.metric import Metric
    from evaluation.results import PipelineResults
    from evaluation.statistics import Difference

_SAME = 1e-9
"""A smaller difference is rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricComparison:
    """One metric of two pipelines.

    Args:
        metric: What was measured.
        before: Mean of the first over the cases that both have values for; None without a case.
        after: Mean of the second over the same cases.
        difference: Second less first, with its interval.
        changes: Second less first of every case, in the order of the dataset; equal ones are left out.
    """

    metric: Metric
    before: float | None
    after: float | None
    difference: Difference
    changes: Mapping[str, float]

    @property
    def better(self) -> tuple[str, ...]:
        """Ids of the cases in which the second is better, the most improved first; none where neither way is better."""
        return self._ids(1.0 if self.metric.better == "higher" else -1.0)

    @property
    def worse(self) -> tuple[str, ...]:
        """Ids of the cases in which the second is worse, the worst first; none where neither way is better."""
        return self._ids(-1.0 if self.metric.better == "higher" else 1.0)

    @property
    def is_clear(self) -> bool:
        """Whether 0 is outside the interval, so that the difference is hardly chance."""
        interval = self.difference.interval
        return interval is not None and not interval.low <= 0 <= interval.high

    def _ids(self, sign: float) -> tuple[str, ...]:
        if self.metric.better == "neither":
            return ()
        found = [case_id for case_id, change in self.changes.items() if change * sign > 0]
        return tuple(sorted(found, key=lambda case_id: -abs(self.changes[case_id])))


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two pipelines over the cases of both.

    Args:
        first: The first, which the second is compared with.
        second: The second.
        case_ids: Of the cases that both ran over, in the order of the first.
        metrics: Those that both were scored on for at least one common case.
    """

    first: PipelineResults
    second: PipelineResults
    case_ids: tuple[str, ...]
    metrics: tuple[MetricComparison, ...]


def compare_pipelines(first: PipelineResults, second: PipelineResults, metrics: Iterable[Metric]) -> Comparison:
    """Compare the second pipeline with the first, case by case; they may be of different experiments.

    Repeats of a case are averaged first. A case that only one of them has a value for is left out, and counted.

    Raises:
        InvalidInput: They have no case in common.
    """
    others = {outcome.case_id for outcome in second.outcomes}
    common = tuple(dict.fromkeys(one.case_id for one in first.outcomes if one.case_id in others))
    if not common:
        raise InvalidInput("pipelines", f"{first.pipeline!r} and {second.pipeline!r} have no case in common")
    compared = (compare_metric(first, second, metric) for metric in metrics)
    return Comparison(
        first=first,
        second=second,
        case_ids=common,
        metrics=tuple(one for one in compared if one.difference.cases),
    )


def compare_metric(first: PipelineResults, second: PipelineResults, metric: Metric) -> MetricComparison:
    """Compare one metric, see `compare_pipelines`; without a common value there is no difference."""
    before, after = first.of(metric.name), second.of(metric.name)
    old, new = case_means(before), case_means(after)
    changes = case_differences(old, new)
    common = list(changes)
    return MetricComparison(
        metric=metric,
        before=sum(old[case_id] for case_id in common) / len(common) if common else None,
        after=sum(new[case_id] for case_id in common) / len(common) if common else None,
        difference=compare(before, after),
        changes={case_id: change for case_id, change in changes.items() if abs(change) > _SAME},
    )
