from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain.errors import NotFound
from evaluation.export import defused, export
from evaluation.metric import Metric, Score
from evaluation.outcome import Outcome
from evaluation.results import REFERENCE, PipelineResults, Results
from tests.evaluation.lab import Lab, a_case, an_outcome

if TYPE_CHECKING:
    from pathlib import Path

MRR = Metric(name="mrr", title="MRR", group="riddle", unit="score", better="higher", about="", blind_to="")
LATENCY = replace(MRR, name="latency_ms", unit="ms", better="lower")


@pytest.fixture
def results(tmp_path: Path) -> Results:
    manifest = Lab(tmp_path).begin().manifest()
    cases = {case.id: case for case in map(a_case, range(2))}
    made = [
        an_outcome(0, "one", cost=0.25),
        Outcome(case_id=a_case(1).id, pipeline="one", repeat=0, seed=3, error="slow"),
    ]
    assert made[0].riddle is not None
    made[0] = replace(made[0], riddle=replace(made[0].riddle, answer='=HYPERLINK("x")', status="needs_review"))
    one = PipelineResults(
        pipeline="one",
        models=("scripted:one",),
        outcomes=tuple(made),
        scores={(a_case(0).id, 0): {"mrr": Score(-0.5), "latency_ms": Score(12.5)}},
        failed=1,
    )
    people = PipelineResults(pipeline=REFERENCE, outcomes=(an_outcome(0, REFERENCE),))
    return Results(manifest=manifest, cases=cases, pipelines=(one, people), metrics=(MRR, LATENCY))


def test_csv_has_a_row_an_outcome_and_a_column_a_metric(results: Results) -> None:
    rows = list(csv.DictReader(io.StringIO(export(results, "csv"))))
    assert [(row["pipeline"], row["status"], row["mrr"], row["error"]) for row in rows] == [
        ("one", "needs_review", "-0.5", ""),
        ("one", "failed", "", "slow"),
        (REFERENCE, "published", "", ""),
    ]
    assert rows[0]["hints"] == "I float.\nUsually."
    assert rows[0]["models"] == "openai:small"


def test_csv_cells_that_a_spreadsheet_would_run_are_defused(results: Results) -> None:
    (row, *_) = csv.DictReader(io.StringIO(export(results, "csv")))
    assert row["answer"] == '\'=HYPERLINK("x")'
    for text in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"):
        assert defused(text) == f"'{text}"
    for text in ("fog", "1-1", "", "a=b"):
        assert defused(text) == text


def test_jsonl_has_scores_with_their_reasons(results: Results) -> None:
    rows = [json.loads(line) for line in export(results, "jsonl").splitlines()]
    assert len(rows) == 3
    assert rows[0]["scores"]["mrr"] == [-0.5, ""]
    assert rows[0]["article"] == a_case(0).article.text
    assert rows[0]["cost_usd"] == 0.25
    assert rows[1]["scores"] == {}


def test_one_pipeline_can_be_chosen(results: Results) -> None:
    assert len(export(results, "jsonl", "one").splitlines()) == 2
    with pytest.raises(NotFound, match="no pipeline in this experiment 'nosuch'; there is: one, reference"):
        export(results, "jsonl", "nosuch")


def test_langsmith_gets_inputs_and_reference_outputs(results: Results) -> None:
    (row,) = map(json.loads, export(results, "langsmith").splitlines())
    assert row["inputs"] == {"title": "Fog 0", "article": a_case(0).article.text}
    assert row["outputs"]["riddle"] == "I carry many,\nyet sand carried me.\nWhat am I?"
    assert row["metadata"]["pipeline"] == REFERENCE
    (own,) = map(json.loads, export(results, "langsmith", "one").splitlines())
    assert own["metadata"]["pipeline"] == "one"


def test_langsmith_without_a_reference_says_so(results: Results) -> None:
    with pytest.raises(NotFound, match="reference"):
        export(replace(results, pipelines=results.pipelines[:1]), "langsmith")


def test_promptfoo_gets_its_third_version(results: Results) -> None:
    document = json.loads(export(results, "promptfoo"))
    found = document["results"]
    assert found["version"] == 3
    assert document["evalId"] == "riddlewire-lab"
    assert found["stats"]["failures"] == found["stats"]["errors"] == found["stats"]["successes"] == 1
    assert [(row["promptIdx"], row["testIdx"], row["failureReason"]) for row in found["results"]] == [
        (0, 0, 1),
        (0, 1, 2),
        (1, 0, 0),
    ]
    assert found["results"][0]["namedScores"] == {"mrr": -0.5}
    assert found["results"][0]["response"]["output"].endswith("Hint: Usually.")
    assert found["results"][1]["error"] == "slow"
    metrics = found["prompts"][0]["metrics"]
    assert (metrics["testFailCount"], metrics["testErrorCount"], metrics["cost"]) == (1, 1, 0.25)


def test_promptfoo_gets_each_repeat_as_a_test_of_its_own(results: Results) -> None:
    twice = replace(
        results.pipelines[0], outcomes=tuple(an_outcome(n, "one", repeat) for n in (0, 1) for repeat in (0, 1))
    )
    manifest = replace(results.manifest, repeats=2)
    document = json.loads(export(replace(results, manifest=manifest, pipelines=(twice,)), "promptfoo"))
    assert [row["testIdx"] for row in document["results"]["results"]] == [0, 1, 2, 3]
