"""An experiment as reports read it, with numbers that are easy to check by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain import Article, Check, Riddle, StepRecord, Usage
from evaluation.case import Case
from evaluation.manifest import DatasetRecord, Manifest, PipelineRecord, PoolRecord, PromptRecord
from evaluation.metric import Metric, Score
from evaluation.outcome import Outcome
from evaluation.results import REFERENCE, PipelineResults, Results

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evaluation.metric import Better, Unit


def metric(name: str, *, unit: Unit = "share", better: Better = "higher", **more: bool) -> Metric:
    """A headline metric of that name."""
    return Metric(
        name=name,
        title=name.replace("_", " ").capitalize(),
        group="running" if unit in {"ms", "usd"} else "riddle",
        unit=unit,
        better=better,
        about=f"About {name}.",
        blind_to=f"Beside {name}.",
        **{"headline": True, **more},
    )


ACCURACY = metric("solver_accuracy", binary=True)
HARD = metric("solver_accuracy_hard", binary=True, headline=False)
MRR = metric("solver_mrr", unit="score", headline=False)
MARGIN = metric("solver_margin", unit="score", better="neither", headline=False)
LATENCY = metric("latency_ms", unit="ms", better="lower")
COST = metric("cost_usd", unit="usd", better="lower")
DISTINCT = metric("distinct1", headline=False)
METRICS = (ACCURACY, HARD, MRR, MARGIN, DISTINCT, LATENCY, COST)


def case(number: int, **more: str) -> Case:
    """A case with all references."""
    article = Article(
        title=more.get("title", f"Headline {number}"),
        text=more.get("text", f"The story number {number} went on."),
        url=more.get("url", "https://a.example/b"),
    )
    return Case(
        id=f"case-{number:03}",
        article=article,
        topic="weather",
        summary=more.get("summary", f"Reference summary {number}."),
        answer=f"the thing {number}",
        riddle=f"I am the reference\nof number {number}",
    )


def outcome(of: Case, pipeline: str, *, published: bool = True, latency_ms: float = 800.0, **more: str) -> Outcome:
    """A riddle about the case, or a failed run when `error` says so."""
    if "error" in more:
        return Outcome(case_id=of.id, pipeline=pipeline, repeat=0, seed=7, error=more["error"])
    check = Check(name="leakage", passed=published, detail="" if published else more.get("detail", "It leaks."))
    riddle = Riddle(
        article=of.article,
        status="published" if published else "needs_review",
        pipeline=pipeline,
        summary=more.get("summary", f"{pipeline} sums up {of.id}."),
        riddle=more.get("riddle", f"{pipeline} riddles\nabout {of.id}"),
        answer=more.get("answer", "the answer"),
        hints=(more.get("hint", "a hint"),),
        steps=(StepRecord(step="riddle", prompt="riddle@1", model="scripted:x"),),
        checks=(check, Check(name="form", passed=True)),
        usage=Usage(input_tokens=100, output_tokens=20, calls=1),
    )
    return Outcome(case_id=of.id, pipeline=pipeline, repeat=0, seed=7, riddle=riddle, latency_ms=latency_ms)


def pipeline(
    name: str,
    outcomes: Sequence[Outcome],
    scores: Mapping[str, Sequence[float | None]] | None = None,
    **set_scores: float,
) -> PipelineResults:
    """A pipeline with the values of its metrics, one an outcome; None is unscored."""
    columns = scores or {}
    return PipelineResults(
        pipeline=name,
        option="written by people" if name == REFERENCE else "do it yourself",
        description=f"All about {name}.",
        models=() if name == REFERENCE else ("scripted:x",),
        outcomes=tuple(outcomes),
        scores={
            (one.case_id, one.repeat): {
                metric: Score(values[place], "" if values[place] is not None else "nobody was asked")
                for metric, values in columns.items()
            }
            for place, one in enumerate(outcomes)
        },
        set_scores={metric: Score(value) for metric, value in set_scores.items()},
        failed=sum(1 for one in outcomes if one.riddle is None),
    )


def results(cases: Sequence[Case], *pipelines: PipelineResults, metrics: Sequence[Metric] = METRICS) -> Results:
    """The experiment of those pipelines over those cases."""
    return Results(
        manifest=manifest([case.id for case in cases], [one.pipeline for one in pipelines]),
        cases={case.id: case for case in cases},
        pipelines=tuple(pipelines),
        metrics=tuple(metrics),
    )


def manifest(case_ids: Sequence[str], pipelines: Sequence[str]) -> Manifest:
    """What the experiment is made of."""
    return Manifest(
        experiment="four-ways",
        created_at="2026-01-02T03:04:05Z",
        dataset=DatasetRecord(name="dev", hash="da7a" * 16, case_ids=tuple(case_ids), available=99),
        pipelines=tuple(
            PipelineRecord(
                name=name,
                option="do it yourself",
                description=f"All about {name}.",
                hash="cafe" * 16,
                prompts=("riddle@1",),
                models=("scripted:x",),
                gate={"attempts": 3},
                spec={"steps": ["riddle"]},
            )
            for name in pipelines
            if name != REFERENCE
        ),
        prompts=(PromptRecord(ref="riddle@1", hash="beef" * 16, text="name: riddle"),),
        pool=PoolRecord(embeddings="wordllama", hash="f00d" * 16, example_ids=("ex_1",), excluded=72),
        repeats=1,
        seed=42,
        concurrency=2,
        versions={"langchain": "1.5.0"},
        python="3.11.7",
        platform="Linux",
    )


def four_ways(count: int = 20) -> Results:
    """Twenty cases: `good` always solved in 2 s, `quick` solved half the time in 0.5 s, `bad` never in 4 s; and people.

    `good` costs a cent a riddle, `quick` has no price. `bad` failed once and was kept back once.
    """
    cases = [case(number) for number in range(count)]
    half = [float(number % 2) for number in range(count)]
    good = pipeline(
        "good",
        [outcome(one, "good", latency_ms=2000.0) for one in cases],
        {
            "solver_accuracy": [1.0] * count,
            "solver_accuracy_hard": half,
            "solver_mrr": [1.0] * count,
            "solver_margin": [number / 100 for number in range(count)],
            "latency_ms": [2000.0] * count,
            "cost_usd": [0.01] * count,
        },
        distinct1=0.8,
    )
    quick = pipeline(
        "quick",
        [outcome(one, "quick", latency_ms=500.0) for one in cases],
        {
            "solver_accuracy": half,
            "solver_accuracy_hard": [0.0] * count,
            "solver_mrr": [(1 + value) / 2 for value in half],
            "solver_margin": [-0.1] * count,
            "latency_ms": [500.0] * count,
            "cost_usd": [None] * count,
        },
        distinct1=0.4,
    )
    failed, kept = outcome(cases[0], "bad", error="The provider was down."), outcome(cases[1], "bad", published=False)
    bad = pipeline(
        "bad",
        [failed, kept, *(outcome(one, "bad", latency_ms=4000.0) for one in cases[2:])],
        {
            "solver_accuracy": [None, *[0.0] * (count - 1)],
            "solver_mrr": [None, *[0.1] * (count - 1)],
            "latency_ms": [None, *[4000.0] * (count - 1)],
        },
    )
    people = pipeline(REFERENCE, [outcome(one, REFERENCE) for one in cases], {"solver_accuracy": [1.0] * count})
    return results(cases, good, quick, bad, people)
