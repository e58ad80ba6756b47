"""Intervals, means over cases, and differences in pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.metric import Metric, Score
from evaluation.statistics import bootstrap, case_means, compare, summarise, wilson

SHARE = Metric(
    name="found", title="Found", group="riddle", unit="share", better="higher", about="", blind_to="", binary=True
)
TIME = Metric(name="latency", title="Latency", group="running", unit="ms", better="lower", about="", blind_to="")

Scores = list[tuple[str, Score]]


def scored(*values: float | None) -> Scores:
    """One outcome a case."""
    return [(f"case {place}", Score(value)) for place, value in enumerate(values)]


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # R. Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0000),
    ],
)
def test_wilson_gives_the_values_of_the_literature(successes: int, trials: int, low: float, high: float) -> None:
    interval = wilson(successes, trials)
    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)


def test_unscored_is_not_0_and_is_counted() -> None:
    summary = summarise(scored(1, 1, None, 0, None), SHARE)
    assert summary.mean == pytest.approx(2 / 3)
    assert (summary.scored, summary.unscored, summary.cases) == (3, 2, 3)
    assert summary.interval == wilson(2, 3)


def test_nothing_scored_has_no_mean() -> None:
    summary = summarise(scored(None, None), TIME)
    assert (summary.mean, summary.interval, summary.p50, summary.scored, summary.unscored) == (None, None, None, 0, 2)
    assert summarise([], TIME).unscored == 0


def test_percentiles_go_over_all_values() -> None:
    summary = summarise(scored(*range(101)), TIME)
    assert (summary.p50, summary.p95) == (50, 95)


def test_the_mean_weighs_cases_and_not_repeats() -> None:
    scores = [("a", Score(1.0))] * 9 + [("b", Score(0.0))]
    assert summarise(scores, TIME).mean == 0.5
    assert summarise(scores, TIME).scored == 10


def test_repeats_do_not_make_an_interval_narrower() -> None:
    once = scored(*[0, 1] * 10)
    assert summarise(once * 50, TIME).interval == summarise(once, TIME).interval
    repeated = summarise(once * 50, SHARE).interval
    wide = wilson(10, 20)
    assert repeated is not None
    assert repeated.high - repeated.low == pytest.approx(wide.high - wide.low, abs=0.05)


def test_the_bootstrap_agrees_with_theory_for_many_values() -> None:
    values = np.random.default_rng(3).normal(10, 2, 400)
    interval = bootstrap(values)
    assert interval is not None
    half = 1.96 * values.std(ddof=1) / 20
    assert interval.low == pytest.approx(values.mean() - half, abs=0.03)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.03)


def test_the_bootstrap_is_the_same_for_the_same_seed_only() -> None:
    values = np.arange(30.0) ** 2
    assert bootstrap(values, seed=1) == bootstrap(values, seed=1) != bootstrap(values, seed=2)


def test_the_bootstrap_draws_in_blocks_when_there_is_much_to_draw() -> None:
    values = np.random.default_rng(4).random(3_000)
    interval = bootstrap(values, resamples=1_000)
    assert interval is not None
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * values.std() / 3_000**0.5, rel=0.1)


def test_one_value_has_no_interval() -> None:
    assert bootstrap(np.array([3.0])) is None
    assert summarise(scored(5.0), TIME).interval is None


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
@settings(deadline=None)
def test_intervals_lie_within_the_values(values: list[float]) -> None:
    interval = bootstrap(np.array(values), resamples=200)
    assert interval is not None
    assert min(values) - 1e-9 <= interval.low <= interval.high <= max(values) + 1e-9


def test_differences_are_of_each_case_with_itself() -> None:
    rng = np.random.default_rng(5)
    hard = rng.normal(0, 100, 50)
    better = compare(scored(*hard), scored(*(hard + 1 + rng.normal(0, 0.1, 50))))
    assert better.interval is not None
    assert 0.9 < better.interval.low < 1 < better.interval.high < 1.1
    assert (better.cases, better.left_out) == (50, 0)


def test_only_cases_with_both_values_are_compared_and_the_others_counted() -> None:
    difference = compare(scored(1, None, 3, 4), scored(2, 9, None, 6))
    assert (difference.mean, difference.cases, difference.left_out) == (1.5, 2, 2)
    nothing = compare(scored(1.0), scored(None))
    assert (nothing.mean, nothing.interval, nothing.left_out) == (None, None, 1)


def test_repeats_are_averaged_within_their_case() -> None:
    scores: Scores = [("a", Score(1.0)), ("a", Score(None)), ("a", Score(2.0)), ("b", Score(None))]
    assert case_means(scores) == {"a": 1.5}
