"""Scores: from outcomes to results. They can be made anew at any time, so the file of them is only a store of work."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from evaluation.codec import scores_from_json, scores_to_json
from evaluation.experiments.journal import write_whole
from evaluation.experiments.model_scores import read_model_scores
from evaluation.experiments.plan import Key, key_of
from evaluation.results import REFERENCE, PipelineResults, Results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from evaluation.case import Case
    from evaluation.evaluators import Pool
    from evaluation.evaluators.pool import TextVectors
    from evaluation.experiments.folder import Experiment
    from evaluation.metric import Metric, Score
    from evaluation.outcome import Outcome

Scores = dict[Key, dict[str, "Score"]]
SetScores = dict[str, dict[str, "Score"]]


def read_results(
    experiment: Experiment,
    load: Callable[[str], TextVectors],
    watch: Callable[[int, int], None] = lambda _done, _total: None,
) -> Results:
    """The results of an experiment as far as it has come; scores that are not there yet are made and kept.

    Args:
        experiment: It has begun.
        load: Loads an embedding model by its name; called only when scores are made.
        watch: Told how many outcomes are scored, and of how many.

    Raises:
        InvalidFile: A file of the experiment is broken.
        MissingExtra: The extra `eval` is needed and not installed.
    """
    state = _state(experiment)
    by_pipeline = outcomes_by_pipeline(experiment)
    kept = _read(experiment, state)
    if kept is None:
        kept = _score(pool_of(experiment, load), by_pipeline, watch)
        _write(experiment, state, *kept)
    scores, set_scores = kept
    everything = [outcome for outcomes in by_pipeline.values() for outcome in outcomes]
    for key, found in read_model_scores(experiment, everything).items():
        scores.setdefault(key, {}).update(found)
    return _results(experiment, by_pipeline, scores, set_scores)


def reference_outcomes(cases: Iterable[Case]) -> list[Outcome]:
    """The human riddles of those cases that have one, as outcomes of the pipeline `REFERENCE`."""
    from evaluation.evaluators import reference_outcome

    return [outcome for case in cases if (outcome := reference_outcome(case)) is not None]


def pool_of(experiment: Experiment, load: Callable[[str], TextVectors]) -> Pool:
    """What evaluators may look at beside one outcome and its case.

    Args:
        experiment: It has begun.
        load: Loads an embedding model by its name.
    """
    from evaluation.evaluators import Pool

    manifest = experiment.manifest()
    return Pool(
        cases=experiment.cases(),
        examples={example.id: example for example in experiment.examples()},
        embeddings=load(manifest.pool.embeddings),
        solver=load(manifest.solver_embeddings) if manifest.solver_embeddings else None,
    )


def outcomes_by_pipeline(experiment: Experiment) -> dict[str, list[Outcome]]:
    """What there is to score, in the order of manifest and dataset; the reference comes last."""
    manifest, cases = experiment.manifest(), experiment.cases()
    place = {case_id: number for number, case_id in enumerate(manifest.dataset.case_ids)}
    found: dict[str, list[Outcome]] = {pipeline.name: [] for pipeline in manifest.pipelines}
    for outcome in experiment.outcomes().values():
        found[outcome.pipeline].append(outcome)
    for outcomes in found.values():
        outcomes.sort(key=lambda outcome: (place[outcome.case_id], outcome.repeat))
    references = reference_outcomes(cases.values())
    return {**found, REFERENCE: references} if references else found


def _score(
    pool: Pool, by_pipeline: Mapping[str, Sequence[Outcome]], watch: Callable[[int, int], None]
) -> tuple[Scores, SetScores]:
    from evaluation.evaluators import default_evaluators, default_set_evaluators

    evaluators = default_evaluators()
    scores: Scores = {}
    total = sum(map(len, by_pipeline.values()))
    for outcomes in by_pipeline.values():
        for outcome in outcomes:
            case = pool.cases[outcome.case_id]
            scores[key_of(outcome)] = {
                name: score for evaluator in evaluators for name, score in evaluator(outcome, case, pool).items()
            }
            watch(len(scores), total)
    set_scores: SetScores = {}
    for pipeline, outcomes in by_pipeline.items():
        first = [outcome for outcome in outcomes if outcome.repeat == 0]  # repeats of a case are alike by nature
        set_scores[pipeline] = {
            name: score
            for evaluator in default_set_evaluators()
            for name, score in evaluator(first, pool.cases).items()
        }
    return scores, set_scores


def _results(
    experiment: Experiment, by_pipeline: Mapping[str, Sequence[Outcome]], scores: Scores, set_scores: SetScores
) -> Results:
    manifest = experiment.manifest()
    records = {record.name: record for record in manifest.pipelines}
    found: dict[str, dict[tuple[str, int], dict[str, Score]]] = defaultdict(dict)
    for key, values in scores.items():
        found[key.pipeline][key.case_id, key.repeat] = values
    pipelines = []
    for name, outcomes in by_pipeline.items():
        record = records.get(name)
        pipelines.append(
            PipelineResults(
                pipeline=name,
                description=record.description if record else "The riddles that people wrote, scored alike.",
                option=record.option if record else "written by people",
                models=record.models if record else (),
                outcomes=tuple(outcomes),
                scores=found[name],
                set_scores=set_scores.get(name, {}),
                failed=sum(bool(outcome.error) for outcome in outcomes),
            )
        )
    return Results(manifest=manifest, cases=experiment.cases(), pipelines=tuple(pipelines), metrics=_metrics(pipelines))


def _metrics(pipelines: Iterable[PipelineResults]) -> tuple[Metric, ...]:
    from evaluation.evaluators import all_metrics

    seen = {
        name for pipeline in pipelines for values in (*pipeline.scores.values(), pipeline.set_scores) for name in values
    }
    return tuple(metric for metric in all_metrics() if metric.name in seen)


def _state(experiment: Experiment) -> str:
    """What the kept scores are scores of: another outcome or another release, and they are made anew."""
    digest = hashlib.sha256(str(experiment.manifest().solver_embeddings).encode())
    for path in (experiment.outcome_journal.path, experiment.folder / "cases.jsonl"):
        digest.update(path.read_bytes() if path.exists() else b"")
    try:
        digest.update(version("riddlewire").encode())
    except PackageNotFoundError:
        digest.update(b"unknown")
    return digest.hexdigest()


def _read(experiment: Experiment, state: str) -> tuple[Scores, SetScores] | None:
    """The kept scores; None when there are none, or they are of another state."""
    try:
        with experiment.scores_file.open(encoding="utf-8") as file:
            if json.loads(file.readline())["of"] != state:
                return None
            rows = [json.loads(line) for line in file]
        scores = {Key(*row["key"]): scores_from_json(row["scores"]) for row in rows if "key" in row}
        sets = {row["set"]: scores_from_json(row["scores"]) for row in rows if "set" in row}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return scores, sets


def _write(experiment: Experiment, state: str, scores: Scores, set_scores: SetScores) -> None:
    rows: list[dict[str, Any]] = [{"of": state}]
    rows += [{"key": list(key), "scores": scores_to_json(values)} for key, values in scores.items()]
    rows += [{"set": name, "scores": scores_to_json(values)} for name, values in set_scores.items()]
    lines = (json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)
    write_whole(experiment.scores_file, b"".join(lines))
