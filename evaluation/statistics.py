"""Means with intervals: Wilson's for shares, the bootstrap for everything else, and differences in pairs.

Unscored values are counted apart and never stand for 0. Repeats of a case are averaged first, so the case is what is
drawn: ten runs over one article are not ten articles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from domain.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from evaluation.metric import Metric, Score

    Values = NDArray[np.float64]

CONFIDENCE: Final = 0.95
RESAMPLES: Final = 4_000
"""Draws of a bootstrap: the ends of an interval vary by about 2% of its length from seed to seed."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the true value lies in 95 of 100 such experiments."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One metric of one pipeline.

    Args:
        mean: Of the cases' means; None when nothing was scored.
        interval: Of the mean; None with fewer than two cases, unless the metric is binary.
        scored: Outcomes with a value.
        unscored: Outcomes without one.
        cases: Cases with a value.
        p50: Median of all values, repeats included; None when there are none.
        p95: Their 95th percentile.
    """

    mean: float | None
    interval: Interval | None
    scored: int
    unscored: int
    cases: int = 0
    p50: float | None = None
    p95: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How much another pipeline differs from a baseline on the cases that both have values for.

    Args:
        mean: Of the cases' differences, other less baseline; None without a case.
        interval: Of the mean; None with fewer than two cases. One that has 0 inside shows no difference.
        cases: That both have values for.
        left_out: Cases that only one of them has a value for.
    """

    mean: float | None
    interval: Interval | None
    cases: int
    left_out: int


def summarise(scores: Sequence[tuple[str, Score]], metric: Metric, *, seed: int = 0) -> Summary:
    """Sum up one metric of one pipeline.

    A binary metric with one outcome for each case gets Wilson's interval; with repeats, and for every other metric, it
    is the bootstrap's over cases.

    Args:
        scores: Case id and score of every outcome.
        metric: What was measured.
        seed: Of the bootstrap.

    Raises:
        MissingExtra: A binary metric without scipy.
    """
    values = np.array([score.value for _, score in scores if score.value is not None], dtype=np.float64)
    means = np.array(list(case_means(scores).values()), dtype=np.float64)
    if not len(values):
        return Summary(mean=None, interval=None, scored=0, unscored=len(scores))
    once = len(means) == len(values)
    interval = wilson(int(means.sum()), len(means)) if metric.binary and once else bootstrap(means, seed=seed)
    return Summary(
        mean=float(means.mean()),
        interval=interval,
        scored=len(values),
        unscored=len(scores) - len(values),
        cases=len(means),
        p50=percentile(values, 50),
        p95=percentile(values, 95),
    )


def compare(baseline: Sequence[tuple[str, Score]], other: Sequence[tuple[str, Score]], *, seed: int = 0) -> Difference:
    """The paired difference of two pipelines in one metric: each case with itself.

    Source: paired bootstrap, P. Koehn, "Statistical Significance Tests for Machine Translation Evaluation", EMNLP 2004.

    Args:
        baseline: Case id and score of every outcome.
        other: Of the pipeline that is compared with it.
        seed: Of the bootstrap.
    """
    before, after = case_means(baseline), case_means(other)
    differences = np.array(list(case_differences(before, after).values()), dtype=np.float64)
    return Difference(
        mean=float(differences.mean()) if len(differences) else None,
        interval=bootstrap(differences, seed=seed),
        cases=len(differences),
        left_out=len(before.keys() ^ after.keys()),
    )


def case_means(scores: Sequence[tuple[str, Score]]) -> dict[str, float]:
    """The mean of every case's repeats, without those that are unscored; a case with none has no mean."""
    values: dict[str, list[float]] = {}
    for case_id, score in scores:
        if score.value is not None:
            values.setdefault(case_id, []).append(score.value)
    return {case_id: sum(of_case) / len(of_case) for case_id, of_case in values.items()}


def case_differences(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """`after` less `before` for every case that both have: above 0 is more, which need not be better."""
    return {case_id: after[case_id] - value for case_id, value in before.items() if case_id in after}


def wilson(successes: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval of a share; holds for small numbers and at 0 and 1, too.

    Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927; by scipy.

    Args:
        successes: 0 to `trials`.
        trials: 1 or more, independent of each other.
        confidence: 0 to 1.

    Raises:
        MissingExtra: scipy is not installed.
    """
    try:
        from scipy.stats import binomtest
    except ImportError as error:
        raise MissingExtra("evaluation", "eval") from error
    found = binomtest(successes, trials).proportion_ci(confidence_level=confidence, method="wilson")
    return Interval(float(found.low), float(found.high))


def bootstrap(
    values: Values, *, seed: int = 0, confidence: float = CONFIDENCE, resamples: int = RESAMPLES
) -> Interval | None:
    """The percentile bootstrap interval of a mean; None with fewer than two values.

    Source: B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993. With fewer than some twenty values
    it is a little too narrow; when all values are equal it has no width, which only says that no other was seen.

    Args:
        values: One for each case.
        seed: The same seed gives the same interval.
        confidence: 0 to 1.
        resamples: Draws.
    """
    if len(values) < _FEWEST:
        return None
    rng = np.random.default_rng(seed)
    means = np.concatenate([values[draw].mean(axis=1) for draw in _draws(rng, len(values), resamples)])
    tail = 50 * (1 - confidence)
    low, high = np.percentile(means, (tail, 100 - tail))
    return Interval(float(low), float(high))


def percentile(values: Values, percent: float) -> float:
    """The value that so many percent are not above, between neighbours in proportion; of one value or more."""
    return float(np.percentile(values, percent))


def _draws(rng: np.random.Generator, count: int, resamples: int) -> Iterator[NDArray[np.intp]]:
    """Places drawn with replacement, a block of rows at a time so that memory stays small."""
    rows = max(1, _BLOCK // count)
    for start in range(0, resamples, rows):
        yield rng.integers(0, count, size=(min(rows, resamples - start), count))


_FEWEST: Final = 2
_BLOCK: Final = 1_000_000
"""Places drawn at once, 8 MB of them."""
