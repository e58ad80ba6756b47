"""Metrics by name, the evaluators that come by default, and human references as outcomes."""

from __future__ import annotations

from dataclasses import is_dataclass, replace

import pytest

from domain import Article
from domain.errors import NotFound
from evaluation.evaluators import (
    all_metrics,
    default_evaluators,
    default_set_evaluators,
    metric,
    reference_outcome,
)
from evaluation.evaluators.catalogue import METRICS
from evaluation.evaluators.perplexity import answer_text
from tests.chains.drafts import shipped
from tests.evaluation.evaluators.makers import FAILED, a_case, a_pool, an_outcome

CASE, POOL = a_case(), a_pool()


def test_metrics_are_found_by_name_and_unknown_ones_named_with_those_there_are() -> None:
    assert metric("solver_accuracy").headline
    with pytest.raises(NotFound, match="rougeL"):
        metric("rogue")


def test_every_metric_says_what_it_cannot_see() -> None:
    assert [one.name for one in all_metrics() if not one.blind_to or not one.about or not one.title] == []
    assert len(METRICS) == len({one.title for one in all_metrics()})


def test_every_evaluator_is_a_frozen_dataclass_that_names_its_source_and_its_blindness() -> None:
    for evaluator in (*default_evaluators(), *default_set_evaluators()):
        assert is_dataclass(evaluator)
        about = " ".join((type(evaluator).__doc__ or "").split())
        assert "Source: " in about, evaluator
        assert "Cannot see: " in about, evaluator
        assert vars(type(evaluator))["__dataclass_params__"].frozen


def test_evaluators_give_exactly_the_metrics_they_name() -> None:
    for evaluator in default_evaluators():
        assert set(evaluator(an_outcome(), CASE, POOL)) == {one.name for one in evaluator.metrics}
    for of_a_set in default_set_evaluators():
        assert set(of_a_set([an_outcome()], {CASE.id: CASE})) == {one.name for one in of_a_set.metrics}


def test_no_default_evaluator_scores_a_failed_run() -> None:
    scores = {
        name: score for evaluator in default_evaluators() for name, score in evaluator(FAILED, CASE, POOL).items()
    }
    assert len(scores) > 30
    assert all(score.value is None and score.reason for score in scores.values())


def test_binary_metrics_are_0_or_1() -> None:
    for evaluator in default_evaluators():
        for name, score in evaluator(an_outcome(), CASE, POOL).items():
            assert not METRICS[name].binary or score.value in {None, 0.0, 1.0}


def test_a_reference_is_an_outcome_with_the_gates_verdicts() -> None:
    outcome = reference_outcome(replace(CASE, answer="the harbour children"))
    assert outcome is not None
    assert outcome.riddle is not None
    assert (outcome.pipeline, outcome.case_id, outcome.riddle.status) == ("reference", "sea", "published")
    checks = {check.name: check.passed for check in outcome.riddle.checks}
    assert (checks["leakage"], checks["safety"]) == (False, True)
    assert outcome.riddle.hints == CASE.hints


@pytest.mark.parametrize("missing", ["riddle", "answer"])
def test_a_case_without_a_reference_has_no_outcome(missing: str) -> None:
    assert reference_outcome(replace(CASE, **{missing: None})) is None  # type: ignore[arg-type]


def test_what_people_wrote_scores_well_on_the_shipped_examples() -> None:
    examples = shipped()[::12]
    cases = [
        a_case(
            id=example.headline,
            article=Article(text=example.article, title=example.headline),
            summary=example.summary,
            answer=example.answer,
            riddle=example.riddle,
            hints=example.hints,
        )
        for example in examples
    ]
    pool = a_pool(*cases)
    values: dict[str, list[float]] = {}
    for case in cases:
        outcome = reference_outcome(case)
        assert outcome is not None
        for evaluator in default_evaluators():
            for name, score in evaluator(outcome, case, pool).items():
                if score.value is not None:
                    values.setdefault(name, []).append(score.value)
    means = {name: sum(of_metric) / len(of_metric) for name, of_metric in values.items()}
    assert means["form_valid"] >= 0.95
    assert means["leak_free"] >= 0.95
    assert means["faithfulness"] >= 0.95
    assert means["solver_accuracy"] >= 0.8
    assert means["solver_accuracy_hard"] <= means["solver_accuracy"]


def test_the_labelled_answer_is_what_models_are_asked_for() -> None:
    case = a_case(answer="the mist", riddle="I came\nand went", hints=("Grey.", "Wet."))
    assert answer_text(case) == "Answer: the mist\nRiddle:\nI came\nand went\nHint: Grey.\nHint: Wet."
