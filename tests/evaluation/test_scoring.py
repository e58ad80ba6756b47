from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import pytest

from chains.models.scripted import ScriptedChatModel
from domain.errors import ProviderTimedOut
from evaluation.experiments import (
    Budget,
    Key,
    ModelScorer,
    outcomes_by_pipeline,
    pool_of,
    read_preferences,
    read_results,
    spent_on_scores,
)
from evaluation.results import REFERENCE
from retrievers.embeddings import load_embeddings
from tests.evaluation.lab import Lab, a_case

if TYPE_CHECKING:
    from pathlib import Path

    from langchain_core.messages import BaseMessage

    from evaluation.evaluators.pool import TextVectors


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def _never(_name: str) -> NoReturn:
    raise AssertionError("scores were made again")


async def _ask(lab: Lab) -> int:
    experiment = lab.experiment
    outcomes = [one for made in outcomes_by_pipeline(experiment).values() for one in made]
    return await ModelScorer(experiment, lab.models, Budget()).run(pool_of(experiment, load_embeddings), outcomes)


def _script(lab: Lab, name: str, always: object) -> ScriptedChatModel:
    script = ScriptedChatModel(model_name=name, always=always)
    lab.models.put(f"scripted:{name}", script)
    return script


async def test_results_hold_all_pipelines_and_the_human_riddles(lab: Lab) -> None:
    lab.begin()
    lab.scripts["two"].enqueue(ProviderTimedOut("scripted", "too slow"))
    await lab.run()
    results = read_results(lab.experiment, load_embeddings)
    assert [(one.pipeline, len(one.outcomes), one.failed) for one in results.pipelines] == [
        ("one", 3, 0),
        ("two", 3, 1),
        (REFERENCE, 3, 0),
    ]
    assert results.pipeline("one").option == "test"
    assert results.pipeline("one").models == ("scripted:one",)
    mrr = [score.value for _, score in results.pipeline("one").of("solver_mrr")]
    assert len(mrr) == 3
    assert all(value is not None and 0 < value <= 1 for value in mrr)
    unscored = [score for _, score in results.pipeline("two").of("solver_mrr") if score.value is None]
    assert [score.reason for score in unscored] == ["the run failed"]
    assert {"rougeL", "published", "latency_ms", "self_bleu"} <= {metric.name for metric in results.metrics}
    assert "self_bleu" in results.pipeline("one").set_scores


async def test_scores_are_kept_until_there_is_another_outcome(lab: Lab) -> None:
    lab.begin()
    await lab.run()
    first = read_results(lab.experiment, load_embeddings)
    assert read_results(lab.experiment, _never) == first
    path = lab.experiment.outcome_journal.path
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(AssertionError, match="made again"):
        read_results(lab.experiment, _never)
    assert len(read_results(lab.experiment, load_embeddings).pipeline("two").outcomes) == 2


async def test_scores_that_cannot_be_read_are_made_again(lab: Lab) -> None:
    lab.begin()
    await lab.run()
    first = read_results(lab.experiment, load_embeddings)
    lab.experiment.scores_file.write_bytes(lab.experiment.scores_file.read_bytes()[:-9])
    assert read_results(lab.experiment, load_embeddings) == first


def test_an_experiment_without_an_outcome_has_results(lab: Lab) -> None:
    lab.begin()
    results = read_results(lab.experiment, load_embeddings)
    assert [len(one.outcomes) for one in results.pipelines] == [0, 0, 3]


async def test_the_solver_is_asked_once_about_each_outcome(lab: Lab) -> None:
    solver = _script(lab, "solver", "1")
    lab.begin(solver="scripted:solver")
    await lab.run()
    assert await _ask(lab) == 0
    assert len(solver.calls) == 9
    await _ask(lab)
    assert len(solver.calls) == 9
    results = read_results(lab.experiment, load_embeddings)
    values = [score.value for _, score in results.pipeline(REFERENCE).of("model_solver_accuracy")]
    assert len(values) == 3
    assert set(values) <= {0.0, 1.0}


async def test_a_provider_that_failed_is_asked_again(lab: Lab) -> None:
    solver = _script(lab, "solver", ProviderTimedOut("scripted", "too slow"))
    lab.begin(solver="scripted:solver")
    await lab.run()
    await _ask(lab)
    assert len(solver.calls) == 9
    solver.always = "1"
    await _ask(lab)
    await _ask(lab)
    assert len(solver.calls) == 18


async def test_another_solver_takes_the_place_of_the_first(lab: Lab) -> None:
    _script(lab, "solver", "gibberish")
    _script(lab, "other", "1")
    lab.begin(solver="scripted:solver")
    await lab.run()
    await _ask(lab)
    scores = read_results(lab.experiment, load_embeddings).pipeline("one").of("model_solver_accuracy")
    assert all(score.value is None for _, score in scores)
    lab.begin(solver="scripted:other")
    await _ask(lab)
    scores = read_results(lab.experiment, load_embeddings).pipeline("one").of("model_solver_accuracy")
    assert all(score.value is not None for _, score in scores)


async def test_the_judge_compares_every_two_and_points_add_up(lab: Lab) -> None:
    def prefers_people(messages: list[BaseMessage]) -> str:
        text = str(messages[-1].content)
        if "<summary>" in text:
            return "yes"
        marks = {letter: text.index(f"Riddle {letter}:") for letter in "AB"}
        mine = text.find("I end where wheels begin")
        return "tie" if mine < 0 else ("B" if mine > marks["B"] else "A")

    judge = _script(lab, "judge", prefers_people)
    lab.begin(judge="scripted:judge")
    await lab.run()
    assert await _ask(lab) == 0
    assert len(judge.calls) == 3 + 3 * 3 * 2  # only people wrote summaries; three pairs a case, each asked both ways
    results = read_results(lab.experiment, load_embeddings)

    def preferred(name: str) -> list[float | None]:
        return [score.value for _, score in results.pipeline(name).of("judge_preference")]

    assert preferred(REFERENCE) == [1.0, 1.0, 1.0]
    assert preferred("one") == preferred("two") == [0.25, 0.25, 0.25]
    case_id = a_case(0).id
    everything = [one for made in outcomes_by_pipeline(lab.experiment).values() for one in made]
    points = read_preferences(lab.experiment, everything)
    assert points[Key("one", case_id, 0), Key(REFERENCE, case_id, 0)].value == 0.0
    assert points[Key("one", case_id, 0), Key("two", case_id, 0)].value == 0.5
    assert [score.value for _, score in results.pipeline(REFERENCE).of("entailment")] == [1.0, 1.0, 1.0]


async def test_a_run_that_is_done_again_is_judged_again(lab: Lab) -> None:
    solver = _script(lab, "solver", "1")
    lab.scripts["one"].enqueue(ProviderTimedOut("scripted", "too slow"))
    lab.begin(solver="scripted:solver")
    await lab.run()
    await _ask(lab)
    assert len(solver.calls) == 8
    await lab.run(retry_failed=True)
    await _ask(lab)
    assert len(solver.calls) == 9


async def test_what_answers_cost_is_kept(lab: Lab) -> None:
    _script(lab, "solver", "1")
    experiment = lab.begin(solver="scripted:solver")
    await lab.run()
    await _ask(lab)
    lines = experiment.model_score_journal.path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 9
    assert json.loads(lines[0])["output_tokens"] == 1
    assert spent_on_scores(experiment) == 0.0


class _Letters:
    """Reads letters instead of words."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return [float(text.lower().count(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"]


async def test_the_solver_may_read_with_other_embeddings_than_retrieval(lab: Lab) -> None:
    lab.begin()
    await lab.run()
    own = read_results(lab.experiment, load_embeddings).pipeline("one")
    manifest = lab.experiment.manifest()
    lab.experiment.write_manifest(replace(manifest, solver_embeddings="test:letters"))
    loaded = []

    def load(name: str) -> TextVectors:
        loaded.append(name)
        return _Letters() if name == "test:letters" else load_embeddings(name)

    other = read_results(lab.experiment, load).pipeline("one")
    assert loaded == [manifest.pool.embeddings, "test:letters"]
    assert [score.value for _, score in other.of("solver_margin")] != [
        score.value for _, score in own.of("solver_margin")
    ]
    assert other.of("rougeL") == own.of("rougeL")
