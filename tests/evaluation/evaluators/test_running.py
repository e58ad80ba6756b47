"""Time, tokens, money, gate; and the examples that were retrieved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from domain import Check, Usage
from domain.events import ShownExample
from evaluation.evaluators.retrieval import Shots
from evaluation.evaluators.running import GateRecord, Running
from tests.evaluation.evaluators.makers import EMBEDDINGS, FAILED, a_case, a_pool, an_outcome
from tests.support.examples import an_example

CASE, POOL = a_case(), a_pool()


def test_running_reads_the_records() -> None:
    usage = Usage(input_tokens=300, output_tokens=40, cost_usd=0.25, calls=3)
    scores = Running()(an_outcome(usage=usage, attempts=2), CASE, POOL)
    assert {name: score.value for name, score in scores.items()} == {
        "latency_ms": 12.5,
        "input_tokens": 300,
        "output_tokens": 40,
        "cost_usd": 0.25,
        "attempts": 2,
        "model_calls": 3,
    }


def test_an_unknown_price_is_unscored_and_free_is_0() -> None:
    unknown = Running()(an_outcome(usage=Usage(calls=1)), CASE, POOL)["cost_usd"]
    assert unknown.value is None
    assert unknown.reason
    assert Running()(an_outcome(usage=Usage(calls=1, cost_usd=0.0)), CASE, POOL)["cost_usd"].value == 0


CHECKS = (Check(name="form", passed=True), Check(name="leakage", passed=False, detail="It says it."))


def gate(**fields: Any) -> dict[str, float | None]:
    return {name: score.value for name, score in GateRecord()(an_outcome(**fields), CASE, POOL).items()}


def test_the_gates_verdicts_are_read_and_missing_ones_unscored() -> None:
    scores = gate(checks=CHECKS, status="needs_review")
    assert (scores["gate_form"], scores["gate_leakage"], scores["gate_copying"]) == (1, 0, None)
    assert scores["published"] == 0
    assert GateRecord()(an_outcome(checks=CHECKS), CASE, POOL)["gate_leakage"].reason == "It says it."


def test_published_needs_a_riddle() -> None:
    assert gate()["published"] == 1
    assert gate(status="needs_review", riddle=None)["published"] == 0


def test_people_are_neither_timed_nor_published() -> None:
    assert all(score.value is None for score in Running()(an_outcome(pipeline="reference"), CASE, POOL).values())
    assert gate(pipeline="reference", checks=CHECKS)["published"] is None
    assert gate(pipeline="reference", checks=CHECKS)["gate_form"] == 1


@pytest.mark.parametrize("evaluator", [Running(), GateRecord(), Shots()])
def test_a_failed_run_is_unscored_published_included(evaluator: Running) -> None:
    scores = evaluator(FAILED, CASE, POOL)
    assert set(scores) == {metric.name for metric in evaluator.metrics}
    assert all(score.value is None and score.reason for score in scores.values())


SHOWN = tuple(ShownExample(id=f"ex_{t}", topic=t, headline="", score=s) for t, s in (("sea", 0.4), ("sky", 0.2)))
EXAMPLES = tuple(replace(an_example(topic), id=f"ex_{topic}") for topic in ("sea", "sky"))
FULL = a_pool(CASE, examples=EXAMPLES)


def test_shots_of_the_topic_their_similarity_and_number() -> None:
    scores = Shots()(an_outcome(selected=SHOWN), CASE, FULL)
    assert scores["shots_topic"].value == 0.5
    assert scores["shots_similarity"].value == pytest.approx(0.3)
    assert scores["shots"].value == 2


def test_redundancy_is_the_mean_cosine_of_two() -> None:
    one, other = np.array(EMBEDDINGS.embed_documents([f"{e.headline}\n{e.article}" for e in EXAMPLES]))
    redundancy = Shots()(an_outcome(selected=SHOWN), CASE, FULL)["shots_redundancy"].value
    assert redundancy == pytest.approx(float(one @ other), abs=1e-5)
    same = Shots()(an_outcome(selected=SHOWN[:1] * 3), CASE, FULL)["shots_redundancy"].value
    assert same == pytest.approx(1)


def test_no_shots_no_topic_and_single_shots_are_unscored() -> None:
    assert all(score.value is None for score in Shots()(an_outcome(), CASE, FULL).values())
    assert Shots()(an_outcome(selected=SHOWN), replace(CASE, topic=""), FULL)["shots_topic"].value is None
    assert Shots()(an_outcome(selected=SHOWN[:1]), CASE, FULL)["shots_redundancy"].value is None
