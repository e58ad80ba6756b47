"""Results as promptfoo's own output file, third version: `promptfoo import FILE`, then `promptfoo view`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evaluation.case import Case
    from evaluation.metric import Score
    from evaluation.outcome import Outcome
    from evaluation.results import PipelineResults, Results

_VERSION = 3
_NO_FAILURE, _ASSERTION_FAILED, _ERROR = 0, 1, 2
"""promptfoo's `ResultFailureReason`."""


def promptfoo_document(results: Results, pipelines: Sequence[PipelineResults]) -> dict[str, Any]:
    """The document: pipelines are its prompts, cases its tests, and a test passes when the riddle was published."""
    manifest = results.manifest
    places = {case_id: number * manifest.repeats for number, case_id in enumerate(results.cases)}
    units = {metric.name: metric.unit for metric in results.metrics}
    rows = [
        _row(number, chosen, outcome, results.cases[outcome.case_id], places[outcome.case_id] + outcome.repeat, units)
        for number, chosen in enumerate(pipelines)
        for outcome in chosen.outcomes
    ]
    counts = {name: sum(row["failureReason"] == code for row in rows) for name, code in _COUNTED.items()}
    return {
        "evalId": f"riddlewire-{manifest.experiment}",
        "results": {
            "version": _VERSION,
            "timestamp": manifest.created_at,
            "prompts": [
                _prompt(chosen, [row for row in rows if row["promptIdx"] == n]) for n, chosen in enumerate(pipelines)
            ],
            "results": rows,
            "stats": {**counts, "tokenUsage": _tokens(_total(pipelines))},
        },
        "config": {
            "description": f"Riddlewire experiment {manifest.experiment} over {manifest.dataset.name}",
            "providers": [chosen.pipeline for chosen in pipelines],
            "prompts": [chosen.pipeline for chosen in pipelines],
            "tests": [{"vars": _variables(case)} for case in results.cases.values()],
        },
        "shareableUrl": None,
        "metadata": {"evaluationCreatedAt": manifest.created_at, "exportedBy": "riddlewire"},
    }


_COUNTED = {"successes": _NO_FAILURE, "failures": _ASSERTION_FAILED, "errors": _ERROR}


def _prompt(chosen: PipelineResults, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    named: dict[str, float] = {}
    counts: dict[str, int] = {}
    for row in rows:
        for name, value in row["namedScores"].items():
            named[name] = named.get(name, 0.0) + value
            counts[name] = counts.get(name, 0) + 1
    passed, failed, broken = (sum(row["failureReason"] == code for row in rows) for code in _COUNTED.values())
    return {
        "raw": chosen.pipeline,
        "label": f"{chosen.pipeline}: {chosen.description}",
        "id": chosen.pipeline,
        "provider": ", ".join(chosen.models) or chosen.pipeline,
        "metrics": {
            "score": sum(row["score"] for row in rows),
            "testPassCount": passed,
            "testFailCount": failed,
            "testErrorCount": broken,
            "assertPassCount": passed,
            "assertFailCount": failed,
            "totalLatencyMs": sum(row["latencyMs"] for row in rows),
            "tokenUsage": _tokens(_total([chosen])),
            "namedScores": named,
            "namedScoresCount": counts,
            "cost": sum(row["cost"] for row in rows),
        },
    }


def _row(
    number: int, chosen: PipelineResults, outcome: Outcome, case: Case, place: int, units: Mapping[str, str]
) -> dict[str, Any]:
    riddle = outcome.riddle
    published = riddle is not None and riddle.status == "published"
    failure = _ERROR if riddle is None else _NO_FAILURE if published else _ASSERTION_FAILED
    scores = chosen.scores.get((outcome.case_id, outcome.repeat), {})
    refused = [f"{check.name}: {check.detail}" for check in riddle.checks if not check.passed] if riddle else []
    provider = ", ".join(chosen.models) or chosen.pipeline
    return {
        "promptIdx": number,
        "promptId": chosen.pipeline,
        "testIdx": place,
        "testCase": {"vars": _variables(case), "description": case.article.title or case.id},
        "vars": _variables(case),
        "provider": {"id": provider, "label": chosen.pipeline},
        "prompt": {"raw": chosen.pipeline, "label": chosen.pipeline},
        "response": {"output": _output(outcome), "tokenUsage": _tokens(riddle.usage if riddle else Usage())},
        "success": published,
        "score": float(published),
        "failureReason": failure,
        "error": outcome.error or ("; ".join(refused) or None),
        "latencyMs": round(outcome.latency_ms),
        "cost": (riddle and riddle.usage.cost_usd) or 0,
        "namedScores": _named(scores, units),
        "gradingResult": {"pass": published, "score": float(published), "reason": "; ".join(refused) or outcome.error},
        "metadata": {"repeat": outcome.repeat, "seed": outcome.seed},
    }


def _output(outcome: Outcome) -> str:
    riddle = outcome.riddle
    if riddle is None or riddle.riddle is None:
        return ""
    return "\n".join([riddle.riddle, f"Answer: {riddle.answer}", *(f"Hint: {hint}" for hint in riddle.hints)])


def _named(scores: Mapping[str, Score], units: Mapping[str, str]) -> dict[str, float]:
    """As promptfoo shows named scores: as shares. Counts, times and money stand elsewhere."""
    return {
        name: score.value
        for name, score in scores.items()
        if score.value is not None and units.get(name) in ("share", "score")
    }


def _variables(case: Case) -> dict[str, str]:
    return {"title": case.article.title or "", "article": case.article.text, "case_id": case.id}


def _total(pipelines: Iterable[PipelineResults]) -> Usage:
    used = (outcome.riddle.usage for chosen in pipelines for outcome in chosen.outcomes if outcome.riddle)
    return sum(used, Usage())


def _tokens(usage: Usage) -> dict[str, int]:
    return {
        "total": usage.input_tokens + usage.output_tokens,
        "prompt": usage.input_tokens,
        "completion": usage.output_tokens,
        "cached": usage.cached_tokens,
        "numRequests": usage.calls,
    }
