"""A riddle as JSON, built once per riddle: the field names of the contract stand here and nowhere else."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING, Any

from domain import events

if TYPE_CHECKING:
    from datetime import datetime

    from domain.article import Article
    from domain.riddle import Check, Draft, Riddle, StepRecord, Timings
    from domain.usage import Usage
    from service.riddles.schemas import EventName
    from service.storage.riddles import StoredRiddle


def riddle_payload(stored: StoredRiddle) -> dict[str, Any]:
    """Everything the contract promises to writers."""
    return {"id": stored.id, "created_at": stored.created_at, **made_payload(stored.riddle)}


def made_payload(riddle: Riddle) -> dict[str, Any]:
    """The same without what storing adds: for riddles that are compared and not kept."""
    return {
        "status": riddle.status,
        "article": article_payload(riddle.article),
        "summary": riddle.summary,
        "riddle": riddle.riddle,
        "answer": riddle.answer,
        "hints": list(riddle.hints),
        "pipeline": riddle.pipeline,
        "provenance": {"steps": [_step(step) for step in riddle.steps]},
        "checks": [_check(check) for check in riddle.checks],
        "attempts": riddle.attempts,
        "usage": _usage(riddle.usage),
        "timings_ms": _timings(riddle.timings_ms),
    }


def reader_payload(payload: dict[str, Any]) -> dict[str, Any]:
    """What a caller with only the reader role may see before a solve or a reveal.

    The checks keep their verdicts and lose their details, for a detail may quote the answer. A hint that says it, which
    only a pipeline without the check for leakage lets through, is left out.
    """
    from chains.gate.leakage import gives_away

    seen = {name: value for name, value in payload.items() if name not in {"answer", "summary", "provenance"}}
    seen["checks"] = [{**check, "detail": ""} for check in payload["checks"]]
    seen["hints"] = [hint for hint in payload["hints"] if not gives_away(payload["answer"] or "", hint)]
    return seen


Told = (
    events.ExamplesSelected
    | events.SummaryDelta
    | events.SummaryDone
    | events.RiddleDelta
    | events.RiddleDone
    | events.Retry
)
"""What a stream passes on as it is; the end is stored first and told as `result`."""


def event_payload(event: Told) -> tuple[EventName, dict[str, Any]]:
    """Name and data of the stream event for what a pipeline tells."""
    match event:
        case events.ExamplesSelected(examples):
            return "examples", {"examples": [asdict(example) for example in examples]}
        case events.SummaryDelta(text):
            return "summary.delta", {"text": text}
        case events.SummaryDone(summary):
            return "summary", {"summary": summary}
        case events.RiddleDelta(text):
            return "riddle.delta", {"text": text}
        case events.RiddleDone(draft):
            return "riddle", _draft(draft)
        case events.Retry():
            return "retry", {"step": event.step, "attempt": event.attempt, "reasons": list(event.reasons)}


def article_payload(article: Article) -> dict[str, str | datetime | None]:
    """An article without its text."""
    return {
        "id": article.id,
        "title": article.title,
        "url": article.url,
        "source": article.source,
        "published_at": article.published_at.astimezone(UTC) if article.published_at else None,
    }


def _step(step: StepRecord) -> dict[str, Any]:
    return {
        "step": step.step,
        "prompt": step.prompt,
        "model": step.model,
        "example_ids": list(step.example_ids),
        "cached": step.cached,
    }


def _check(check: Check) -> dict[str, Any]:
    return {"name": check.name, "passed": check.passed, "score": check.score, "detail": check.detail}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "cost_usd": usage.cost_usd,
    }


def _timings(timings: Timings) -> dict[str, float]:
    return {
        "retrieve": round(timings.retrieve, 3),
        "summarize": round(timings.summarize, 3),
        "riddle": round(timings.riddle, 3),
        "total": round(timings.total, 3),
    }


def _draft(draft: Draft) -> dict[str, Any]:
    return {"riddle": draft.riddle, "answer": draft.answer, "hints": list(draft.hints)}
