"""Drafts as people wrote them, to be spoilt by tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chains.gate import ArticleFacts, Gate, Verdict
from domain import Article, Draft, Example
from prompts import GateSpec
from tests.chains.drafts import shipped

GATE = Gate(GateSpec())

ARTICLE = Article(
    title="Fog closes the port of Antwerp",
    text=(
        "Thick fog closed the port of Antwerp on Monday. "
        "Marlene Fogsworth, 41, a pilot, waited 9 hours with 1,200 "
        "sailors. \u201cNobody saw the cranes,\u201d she told Radio Scheldt.\n\nThe port opens again on Tuesday. "
        "Twenty-five ships wait."
    ),
)
SUMMARY = "Fog closed the port of Antwerp and 25 ships had to wait for nine hours."
DRAFT = Draft(
    answer="the harbour mist",
    riddle="I came without a sound at dawn,\nthe cranes and masts were suddenly gone.\n"
    "Who kept the pilots from their work?",
    hints=("It is grey and wet.", "Sailors blow their horns in it."),
)


def judge(draft: Draft = DRAFT, *, article: Article = ARTICLE, summary: str = SUMMARY, **kwargs: Any) -> Verdict:
    """The verdict of a gate with every check."""
    return GATE.judge(draft, article=article, summary=summary, **kwargs)


def spoilt(**changes: Any) -> Draft:
    """The good draft with other fields."""
    return replace(DRAFT, **changes)


def saying(line: str) -> Draft:
    """The good draft whose riddle has one more line in its middle."""
    first, *rest = DRAFT.riddle.split("\n")
    return spoilt(riddle="\n".join([first, line, *rest]))


def failing(verdict: Verdict) -> set[str]:
    """Names of the checks that did not pass."""
    return {check.name for check in verdict.checks if not check.passed}


def as_draft(example: Example) -> Draft:
    """What a model would have written to get this example."""
    return Draft(answer=example.answer, riddle=example.riddle, hints=example.hints)


def judge_example(example: Example, draft: Draft | None = None, **kwargs: Any) -> Verdict:
    """The verdict on a shipped example, or on a spoilt draft of it."""
    return GATE.judge(draft or as_draft(example), article=facts_of(example), summary=example.summary, **kwargs)


def facts_of(example: Example) -> ArticleFacts:
    """The facts of an example's article."""
    return ArticleFacts(Article(text=example.article, title=example.headline))


def others(example: Example, number: int = 4) -> list[Example]:
    """Examples that the model could have been shown beside this one."""
    examples = shipped()
    position = examples.index(example)
    return [examples[(position + step) % len(examples)] for step in range(1, number + 1)]
