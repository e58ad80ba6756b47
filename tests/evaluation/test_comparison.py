from __future__ import annotations

from dataclasses import replace

import pytest

from domain.errors import InvalidInput
from evaluation.comparison import compare_metric, compare_pipelines
from evaluation.gating import judge_candidate
from evaluation.metric import Metric, Score
from evaluation.results import PipelineResults
from tests.evaluation.lab import a_case, an_outcome

MRR = Metric(name="mrr", title="MRR", group="riddle", unit="score", better="higher", about="", blind_to="")
LATENCY = replace(MRR, name="latency", unit="ms", better="lower")
WORDS = replace(MRR, name="words", unit="words", better="neither")


def _results(pipeline: str, values: list[float | None], metric: str = "mrr", repeats: int = 1) -> PipelineResults:
    """Case `n // repeats` in repeat `n % repeats` has the `n`th value."""
    outcomes = [an_outcome(n // repeats, pipeline, n % repeats) for n in range(len(values))]
    scores = {(one.case_id, one.repeat): {metric: Score(value)} for one, value in zip(outcomes, values, strict=True)}
    return PipelineResults(pipeline=pipeline, outcomes=tuple(outcomes), scores=scores)


def _id(number: int) -> str:
    return a_case(number).id


def test_differences_are_of_each_case_with_itself() -> None:
    compared = compare_metric(_results("a", [0.1, 0.5, 0.9, 0.4]), _results("b", [0.3, 0.5, 0.6, 0.8]), MRR)
    assert compared.before == pytest.approx(0.475)
    assert compared.after == pytest.approx(0.55)
    assert compared.difference.mean == pytest.approx(0.075)
    assert compared.changes == pytest.approx({_id(0): 0.2, _id(2): -0.3, _id(3): 0.4})
    assert compared.better == (_id(3), _id(0))
    assert compared.worse == (_id(2),)
    assert not compared.is_clear


def test_less_is_better_where_the_metric_says_so() -> None:
    compared = compare_metric(_results("a", [100, 200], "latency"), _results("b", [90, 250], "latency"), LATENCY)
    assert (compared.better, compared.worse) == ((_id(0),), (_id(1),))
    neither = compare_metric(_results("a", [1, 2], "words"), _results("b", [2, 1], "words"), WORDS)
    assert (neither.better, neither.worse) == ((), ())


def test_a_difference_that_every_case_shows_is_clear() -> None:
    compared = compare_metric(_results("a", [0.1] * 8), _results("b", [0.2 + n / 100 for n in range(8)]), MRR)
    assert compared.is_clear
    assert compared.difference.interval is not None
    assert 0.1 <= compared.difference.interval.low < 0.135 < compared.difference.interval.high <= 0.17


def test_unscored_cases_are_left_out_and_counted() -> None:
    compared = compare_metric(_results("a", [0.5, None, 0.7]), _results("b", [0.6, 0.9, None]), MRR)
    assert compared.difference.cases == 1
    assert compared.difference.left_out == 2
    assert compared.before == 0.5


def test_repeats_of_a_case_are_averaged_first() -> None:
    compared = compare_metric(_results("a", [0.0, 1.0, 0.5, 0.5], repeats=2), _results("b", [0.75, 0.5]), MRR)
    assert compared.changes == {_id(0): 0.25}
    assert compared.difference.cases == 2


def test_pipelines_without_a_common_case_are_refused() -> None:
    other = _results("b", [0.1, 0.2, 0.3])
    other = replace(other, outcomes=other.outcomes[2:])
    with pytest.raises(InvalidInput, match="'a' and 'b' have no case in common"):
        compare_pipelines(_results("a", [0.1]), other, [MRR])
    comparison = compare_pipelines(_results("a", [0.1, 0.1, 0.1]), other, [MRR, LATENCY])
    assert comparison.case_ids == (_id(2),)
    assert [one.metric.name for one in comparison.metrics] == ["mrr"]


def test_the_gate_lets_an_allowed_drop_through_and_no_more() -> None:
    baseline, candidate = _results("a", [0.5, 0.5, 0.5]), _results("b", [0.45, 0.45, 0.45])
    (verdict,) = judge_candidate(baseline, candidate, {MRR: 0.05})
    assert verdict.passed
    assert verdict.drop == pytest.approx(0.05)
    (verdict,) = judge_candidate(baseline, candidate, {MRR: 0.04})
    assert verdict.reason == "worse by 0.05, 0.04 allowed"


def test_the_gate_knows_which_way_is_worse() -> None:
    slow, fast = _results("a", [200, 210], "latency"), _results("b", [100, 110], "latency")
    (verdict,) = judge_candidate(slow, fast, {LATENCY: 0})
    assert (verdict.passed, verdict.drop) == (True, -100)
    (verdict,) = judge_candidate(fast, slow, {LATENCY: 50})
    assert (verdict.passed, verdict.drop) == (False, 100)


def test_a_negative_drop_demands_an_improvement() -> None:
    baseline, same = _results("a", [0.5, 0.5]), _results("b", [0.5, 0.5])
    assert not judge_candidate(baseline, same, {MRR: -0.01})[0].passed
    assert judge_candidate(baseline, _results("b", [0.6, 0.6]), {MRR: -0.01})[0].passed


def test_strict_looks_at_the_worse_end_of_the_interval() -> None:
    baseline, candidate = _results("a", [0.5] * 6), _results("b", [0.9, 0.1, 0.9, 0.1, 0.9, 0.1])
    (lenient,) = judge_candidate(baseline, candidate, {MRR: 0.05})
    (strict,) = judge_candidate(baseline, candidate, {MRR: 0.05}, strict=True)
    assert lenient.passed
    assert not strict.passed
    assert strict.worst is not None
    assert 0.05 < strict.worst <= 0.4
    assert "may be worse by" in strict.reason


def test_a_candidate_without_values_does_not_look_better_for_it() -> None:
    baseline = _results("a", [0.5] * 10)
    some = _results("b", [1.0] * 8 + [None, None])
    (verdict,) = judge_candidate(baseline, some, {MRR: 0.05})
    assert verdict.reason == "without a value on 20% of the baseline's cases, 10% allowed"
    assert judge_candidate(baseline, some, {MRR: 0.05}, max_unscored=0.2)[0].passed
    (verdict,) = judge_candidate(baseline, _results("b", [None] * 10), {MRR: 0.05})
    assert verdict.reason == "no case has a value of both"


def test_what_is_neither_better_nor_worse_cannot_be_gated() -> None:
    with pytest.raises(InvalidInput, match="words cannot be gated"):
        judge_candidate(_results("a", [1], "words"), _results("b", [1], "words"), {WORDS: 0})
