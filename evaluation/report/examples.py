"""The examples: best and worst riddles of each pipeline, and what all pipelines made of the same story."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evaluation.report.numbers import value_text
from evaluation.results import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain import Check
    from evaluation.case import Case
    from evaluation.outcome import Outcome
    from evaluation.report.measured import Measures
    from evaluation.results import PipelineResults

ORDERING: Final = (
    "published before not published, then by the rank at which the solver finds the story among random others, then by "
    "how far it is ahead of (or behind) the best other one"
)
"""By which best and worst are told, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One riddle as the report tells it.

    Args:
        pipeline: Who made it.
        headline: Of the story; its first words where it has none.
        repeat: Which run over the case, 0 for the first.
        status: `published`, `needs review`, `failed`, or `written by people`.
        error: Why it failed.
        summary: The pipeline's.
        riddle: Its text; empty when there is none.
        answer: What is to be guessed.
        hints: From gentle to nearly giving it away.
        failing: Checks that did not pass.
        solved: What the solver made of it, in words; empty when it was not asked.
    """

    pipeline: str
    headline: str
    repeat: int
    status: str
    error: str = ""
    summary: str = ""
    riddle: str = ""
    answer: str = ""
    hints: tuple[str, ...] = ()
    failing: tuple[Check, ...] = ()
    solved: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """Best and worst of one pipeline; together they never hold a riddle twice."""

    pipeline: str
    best: tuple[Told, ...]
    worst: tuple[Told, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One case with what everybody made of it: people first, where they did.

    Args:
        id: The case's.
        headline: Of its article.
        lead: How the article begins.
        url: Where it came from; shown, never linked.
        topic: Of the case.
        summary: People's summary.
        told: One a pipeline, its first run over the case.
    """

    id: str
    headline: str
    lead: str
    url: str
    topic: str
    summary: str
    told: tuple[Told, ...]


def ranked(measures: Measures) -> tuple[Ranked, ...]:
    """The best and the worst riddles of each pipeline by `ORDERING`; failed runs are neither."""
    return tuple(_ranked(one, measures) for one in measures.pipelines)


def apart(measures: Measures) -> tuple[Story, ...]:
    """The stories on which pipelines come out furthest apart by `ORDERING`."""
    spread = {case_id: _spread(measures, case_id) for case_id in measures.results.cases}
    furthest = sorted((case_id for case_id in spread if spread[case_id] > 0), key=lambda case_id: -spread[case_id])
    return tuple(_story(measures, case_id) for case_id in furthest[:_SHOWN_APART])


def sampled(measures: Measures, *, without: Sequence[Story] = ()) -> tuple[Story, ...]:
    """Stories evenly spread over the dataset, whatever came of them, so that nobody picks what looks good."""
    shown = {story.id for story in without}
    rest = [case_id for case_id in measures.results.cases if case_id not in shown]
    if len(rest) > _SHOWN_SAMPLED:
        rest = [rest[place * len(rest) // _SHOWN_SAMPLED] for place in range(_SHOWN_SAMPLED)]
    return tuple(_story(measures, case_id) for case_id in rest)


def _ranked(results: PipelineResults, measures: Measures) -> Ranked:
    made = [outcome for outcome in results.outcomes if outcome.riddle is not None]
    order = sorted(made, key=lambda outcome: (_quality(results, outcome), outcome.case_id, outcome.repeat))
    each = min(_SHOWN_RANKED, len(order) // 2)
    best, worst = order[len(order) - each :][::-1], order[:each]
    return Ranked(
        pipeline=results.pipeline,
        best=tuple(_told(results, outcome, measures.results.cases) for outcome in best),
        worst=tuple(_told(results, outcome, measures.results.cases) for outcome in worst),
    )


def _quality(results: PipelineResults, outcome: Outcome) -> tuple[float, float, float]:
    """Larger is better, by `ORDERING`; unscored comes below the lowest score, as no riddle does."""
    published = outcome.riddle is not None and outcome.riddle.status == "published"
    return (
        float(published),
        _score(results, outcome, "solver_mrr", 0.0),
        _score(results, outcome, "solver_margin", -2.0),
    )


def _score(results: PipelineResults, outcome: Outcome, metric: str, without: float) -> float:
    score = results.scores.get((outcome.case_id, outcome.repeat), {}).get(metric)
    return without if score is None or score.value is None else score.value


def _spread(measures: Measures, case_id: str) -> float:
    firsts = [(one, outcome) for one in measures.pipelines if (outcome := _first(one, case_id)) and outcome.riddle]
    sizes = [sum(_quality(one, outcome)) for one, outcome in firsts]
    return max(sizes) - min(sizes) if len(sizes) > 1 else 0.0


def _first(results: PipelineResults, case_id: str) -> Outcome | None:
    return next((outcome for outcome in results.outcomes if outcome.case_id == case_id), None)


def _story(measures: Measures, case_id: str) -> Story:
    case = measures.results.cases[case_id]
    people = (measures.reference,) if measures.reference else ()
    told = [
        _told(one, outcome, measures.results.cases)
        for one in (*people, *measures.pipelines)
        if (outcome := _first(one, case_id))
    ]
    lead = " ".join(case.article.text.split())
    return Story(
        id=case.id,
        headline=_headline(case),
        lead=lead if len(lead) <= _LONGEST_LEAD else f"{lead[:_LONGEST_LEAD]}…",
        url=case.article.url or "",
        topic=case.topic,
        summary=case.summary or "",
        told=tuple(told),
    )


def _told(results: PipelineResults, outcome: Outcome, cases: Mapping[str, Case]) -> Told:
    riddle = outcome.riddle
    case = cases.get(outcome.case_id)
    headline = _headline(case) if case else outcome.case_id
    if riddle is None:
        return Told(
            pipeline=outcome.pipeline, headline=headline, repeat=outcome.repeat, status="failed", error=outcome.error
        )
    return Told(
        pipeline=outcome.pipeline,
        headline=headline,
        repeat=outcome.repeat,
        status="written by people" if outcome.pipeline == REFERENCE else riddle.status.replace("_", " "),
        summary=riddle.summary or "",
        riddle=riddle.riddle or "",
        answer=riddle.answer or "",
        hints=riddle.hints,
        failing=tuple(check for check in riddle.checks if not check.passed),
        solved=_solved(results, outcome),
    )


def _solved(results: PipelineResults, outcome: Outcome) -> str:
    scores = results.scores.get((outcome.case_id, outcome.repeat), {})
    found = scores.get("solver_mrr")
    if found is None:
        return ""
    if not found.value:
        return f"solver not scored: {found.reason}"
    margin = scores.get("solver_margin")
    told = f", margin {value_text(margin.value, 'score')}" if margin and margin.value is not None else ""
    return f"solver finds the story at rank {round(1 / found.value)}{told}"


def _headline(case: Case) -> str:
    if case.article.title and case.article.title.strip():
        return case.article.title
    words = case.article.text.split()
    return f"{' '.join(words[:_FIRST_WORDS])}{' …' if len(words) > _FIRST_WORDS else ''}"


_SHOWN_RANKED: Final = 3
_SHOWN_APART: Final = 4
_SHOWN_SAMPLED: Final = 6
_LONGEST_LEAD: Final = 500
_FIRST_WORDS: Final = 10
