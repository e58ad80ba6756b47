"""Results for other tools: CSV and JSON lines for pandas, and the files that promptfoo and LangSmith read."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Literal, get_args

from domain.errors import NotFound
from evaluation.codec import scores_to_json
from evaluation.promptfoo import promptfoo_document
from evaluation.results import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from evaluation.case import Case
    from evaluation.outcome import Outcome
    from evaluation.results import PipelineResults, Results

Format = Literal["csv", "jsonl", "promptfoo", "langsmith"]
FORMATS: tuple[Format, ...] = get_args(Format)

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What begins a formula, or hides its beginning, in a spreadsheet."""

_COLUMNS = (
    "case_id",
    "pipeline",
    "repeat",
    "seed",
    "topic",
    "title",
    "status",
    "summary",
    "riddle",
    "answer",
    "hints",
    "error",
    "models",
)


def export(results: Results, form: Format, pipeline: str | None = None) -> str:
    """The results in another tool's form.

    * `csv`: one row an outcome, one column a metric, empty where there is no value. Texts that a spreadsheet would
      take for a formula get an apostrophe before them.
    * `jsonl`: the same as JSON lines, with the reasons of scores, the shown examples and the usage.
    * `promptfoo`: what `promptfoo import FILE` reads; pipelines are its prompts, metrics its named scores.
    * `langsmith`: dataset examples (`inputs`, `outputs`, `metadata`) as JSON lines; the outputs are the references.

    Args:
        results: Of an experiment.
        form: Which tool's.
        pipeline: Only this one; for `langsmith`, whose riddles the outputs are instead of the references.

    Raises:
        NotFound: No such pipeline, or for `langsmith` no reference.
    """
    makers: Mapping[Format, Callable[[Results, str | None], str]] = {
        "csv": _csv,
        "jsonl": _jsonl,
        "promptfoo": lambda results, pipeline: _document(promptfoo_document(results, _chosen(results, pipeline))),
        "langsmith": _langsmith,
    }
    return makers[form](results, pipeline)


def defused(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_DANGEROUS) else text


def _chosen(results: Results, pipeline: str | None) -> tuple[PipelineResults, ...]:
    return results.pipelines if pipeline is None else (results.pipeline(pipeline),)


def _rows(results: Results, pipeline: str | None) -> Iterator[tuple[PipelineResults, Outcome, Case]]:
    for chosen in _chosen(results, pipeline):
        for outcome in chosen.outcomes:
            yield chosen, outcome, results.cases[outcome.case_id]


def _texts(outcome: Outcome, case: Case) -> dict[str, Any]:
    riddle = outcome.riddle
    return {
        "case_id": case.id,
        "pipeline": outcome.pipeline,
        "repeat": outcome.repeat,
        "seed": outcome.seed,
        "topic": case.topic,
        "title": case.article.title or "",
        "status": riddle.status if riddle else "failed",
        "summary": (riddle and riddle.summary) or "",
        "riddle": (riddle and riddle.riddle) or "",
        "answer": (riddle and riddle.answer) or "",
        "hints": list(riddle.hints) if riddle else [],
        "error": outcome.error,
        "models": list(dict.fromkeys(step.model for step in riddle.steps)) if riddle else [],
    }


def _csv(results: Results, pipeline: str | None) -> str:
    metrics = [metric.name for metric in results.metrics]
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow((*_COLUMNS, *metrics))
    for chosen, outcome, case in _rows(results, pipeline):
        scores = chosen.scores.get((outcome.case_id, outcome.repeat), {})
        values = (scores[name].value if name in scores else None for name in metrics)
        writer.writerow((*map(_cell, _texts(outcome, case).values()), *("" if one is None else one for one in values)))
    return written.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return defused("\n".join(value))
    return defused(value) if isinstance(value, str) else value


def _jsonl(results: Results, pipeline: str | None) -> str:
    lines = []
    for chosen, outcome, case in _rows(results, pipeline):
        riddle = outcome.riddle
        usage = riddle.usage if riddle else None
        row = {
            **_texts(outcome, case),
            "article": case.article.text,
            "latency_ms": outcome.latency_ms,
            "attempts": riddle.attempts if riddle else None,
            "cost_usd": usage.cost_usd if usage else None,
            "examples": [{"id": shown.id, "score": shown.score} for shown in outcome.selected],
            "scores": scores_to_json(chosen.scores.get((outcome.case_id, outcome.repeat), {})),
        }
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(lines)


def _langsmith(results: Results, pipeline: str | None) -> str:
    made = {
        outcome.case_id: outcome
        for outcome in results.pipeline(pipeline or REFERENCE).outcomes
        if outcome.repeat == 0 and outcome.riddle is not None
    }
    if not made:
        raise NotFound("riddle of pipeline", pipeline or REFERENCE)
    lines = []
    for case_id, outcome in made.items():
        case, riddle = results.cases[case_id], outcome.riddle
        assert riddle is not None
        example = {
            "inputs": {"title": case.article.title or "", "article": case.article.text},
            "outputs": {
                "summary": riddle.summary,
                "riddle": riddle.riddle,
                "answer": riddle.answer,
                "hints": list(riddle.hints),
            },
            "metadata": {
                "case_id": case.id,
                "topic": case.topic,
                "pipeline": outcome.pipeline,
                "experiment": results.manifest.experiment,
            },
        }
        lines.append(json.dumps(example, ensure_ascii=False) + "\n")
    return "".join(lines)


def _document(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
