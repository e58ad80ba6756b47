"""How cases, outcomes and scores stand in files: one JSON object a line, articles once."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from domain import Article, Check, Riddle, StepRecord, Timings, Usage
from domain.events import ShownExample
from evaluation.case import Case
from evaluation.metric import Score
from evaluation.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping


def case_to_json(case: Case) -> dict[str, Any]:
    """A case as plain values."""
    published = case.article.published_at
    article = {**asdict(case.article), "published_at": published.isoformat() if published else None}
    return {**asdict(case), "article": article, "hints": list(case.hints)}


def case_from_json(values: Mapping[str, Any]) -> Case:
    """What `case_to_json` gave.

    Raises:
        KeyError: Something is missing.
        TypeError: Something is of another form.
    """
    published = values["article"]["published_at"]
    date = datetime.fromisoformat(published) if published else None
    article = Article(**{**values["article"], "published_at": date})
    return Case(**{**values, "article": article, "hints": tuple(values["hints"])})


def outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome as plain values, without the article, which its case has."""
    values = asdict(outcome)
    if values["riddle"] is not None:
        del values["riddle"]["article"]
    return values


def outcome_from_json(values: Mapping[str, Any], case: Case) -> Outcome:
    """What `outcome_to_json` gave, with its case.

    Raises:
        KeyError: Something is missing.
        TypeError: Something is of another form.
    """
    riddle = values["riddle"]
    selected = tuple(ShownExample(**one) for one in values["selected"])
    return Outcome(
        **{**values, "riddle": riddle and _riddle(riddle, case.article), "selected": selected},
    )


def scores_to_json(scores: Mapping[str, Score]) -> dict[str, list[Any]]:
    """Scores as plain values: `[value, reason]` by metric."""
    return {name: [score.value, score.reason] for name, score in scores.items()}


def scores_from_json(values: Mapping[str, Any]) -> dict[str, Score]:
    """What `scores_to_json` gave.

    Raises:
        ValueError: Something is of another form.
    """
    return {name: Score(value, reason) for name, (value, reason) in values.items()}


def _riddle(values: Mapping[str, Any], article: Article) -> Riddle:
    return Riddle(
        **{
            **values,
            "article": article,
            "hints": tuple(values["hints"]),
            "steps": tuple(StepRecord(**{**one, "example_ids": tuple(one["example_ids"])}) for one in values["steps"]),
            "checks": tuple(Check(**one) for one in values["checks"]),
            "usage": Usage(**values["usage"]),
            "timings_ms": Timings(**values["timings_ms"]),
        }
    )
