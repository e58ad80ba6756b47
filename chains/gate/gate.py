"""The gate: every check a riddle must pass, and the score that ranks candidates."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from chains.gate.copying import Copying
from chains.gate.form import Form, count_words
from chains.gate.grounding import Grounding
from chains.gate.guessable import Guessable
from chains.gate.leakage import Leakage
from chains.gate.material import ArticleFacts, Finding, Material
from chains.gate.safety import Safety
from domain import Check
from domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain import Article, Draft, Example
    from prompts import GateSpec


class UnknownCheck(ConfigurationError):
    """A pipeline asks for a check that there is not."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the gate has no check {name!r}: it has {', '.join(sorted((FORMAT, *_CHECKS)))}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says of one draft.

    Args:
        checks: In the order the pipeline names them.
        passed: Whether every check passed.
        score: Ranks candidates, 0 to 1; one that passes is always above one that does not.
        reasons: Sentences fit to be shown to the model; empty when the draft passes.
    """

    checks: tuple[Check, ...]
    passed: bool
    score: float
    reasons: tuple[str, ...]


class Judging(Protocol):
    """A check: a frozen dataclass of thresholds that looks at the material."""

    @property
    def name(self) -> str:
        """As pipelines and `Check` spell it."""

    def __call__(self, material: Material) -> Finding:
        """Judge."""


class Gate:
    """The checks of a pipeline with its thresholds. Stateless: one gate may judge for any number of callers at once.

    Args:
        spec: Which checks, their thresholds, and how often a model may try. A threshold belongs to the check that has
            a field of its name.

    Raises:
        UnknownCheck: The spec names a check that there is not.
    """

    def __init__(self, spec: GateSpec) -> None:
        self.attempts = spec.attempts
        self.candidates = spec.candidates
        self.asks_rank = Guessable.name in spec.checks
        self._judges_format = FORMAT in spec.checks
        self._checks = tuple(_build(name, spec.thresholds) for name in spec.checks if name != FORMAT)

    def judge(
        self,
        draft: Draft,
        *,
        article: Article | ArticleFacts,
        summary: str,
        examples: Sequence[Example] = (),
        prompt_texts: Sequence[str] = (),
        guess_rank: int | None = None,
    ) -> Verdict:
        """Judge one draft.

        Args:
            draft: The candidate.
            article: The whole one; pass `ArticleFacts(article)` when more than one draft is judged against it.
            summary: What the riddle was made from.
            examples: Those the model was shown.
            prompt_texts: The messages the model was sent.
            guess_rank: See `Material`; `asks_rank` tells whether any check looks at it.
        """
        material = Material(
            draft=_clipped(draft),
            facts=article if isinstance(article, ArticleFacts) else ArticleFacts(article),
            summary=summary[:_LONGEST_SUMMARY],
            examples=tuple(examples),
            prompt_texts=tuple(prompt_texts),
            guess_rank=guess_rank,
        )
        findings = [(check.name, check(material)) for check in self._checks]
        if self._judges_format:
            findings.insert(0, (FORMAT, Finding()))
        return _verdict(findings)

    def summary_reasons(self, summary: str, *, article: Article | ArticleFacts) -> tuple[str, ...]:
        """Why a summary had better be written again, before a riddle is made from it; empty when it will do."""
        facts = article if isinstance(article, ArticleFacts) else ArticleFacts(article)
        text = summary[:_LONGEST_SUMMARY]
        reasons: list[str] = []
        if not text.strip():
            reasons.append("The summary is empty.")
        if count_words(text) > _MOST_SUMMARY_WORDS:
            reasons.append(f"The summary has more than {_MOST_SUMMARY_WORDS} words.")
        for check in self._checks:
            if isinstance(check, Grounding):
                reasons.extend(check.reasons(text, facts))
            elif isinstance(check, Safety):
                reasons.extend(check.reasons("summary", text))
        return tuple(reasons[:_MOST_REASONS])


FORMAT: Final = "format"
"""The check that the parser makes: what reaches the gate has passed it."""

_CHECKS: Final[dict[str, Form | Leakage | Grounding | Copying | Safety | Guessable]] = {
    check.name: check for check in (Form(), Leakage(), Grounding(), Copying(), Safety(), Guessable())
}


def _build(name: str, thresholds: Mapping[str, float]) -> Judging:
    """The check of that name with those thresholds that it has, in the type of their defaults."""
    check = _CHECKS.get(name)
    if check is None:
        raise UnknownCheck(name)
    if not thresholds:
        return check
    own: dict[str, Any] = {}
    for threshold in fields(check):
        if threshold.name in thresholds:
            own[threshold.name] = type(getattr(check, threshold.name))(thresholds[threshold.name])
    return replace(check, **own)


def _verdict(findings: list[tuple[str, Finding]]) -> Verdict:
    checks = tuple(
        Check(
            name=name,
            passed=not found.reasons,
            score=round(found.score, 4),
            detail=" ".join(found.reasons),
        )
        for name, found in findings
    )
    passed = all(check.passed for check in checks)
    mean = sum(found.score for _, found in findings) / len(findings) if findings else 1.0
    reasons = tuple(reason for _, found in findings for reason in found.reasons)
    return Verdict(checks, passed, round(mean if passed else mean / 2, 4), reasons[:_MOST_REASONS])


def _clipped(draft: Draft) -> Draft:
    """The draft with no field so long that looking at it takes time; what is cut had failed the form check anyway."""
    if len(draft.riddle) + len(draft.answer) + sum(map(len, draft.hints)) <= _LONGEST_FIELD:
        return draft
    return replace(
        draft,
        answer=draft.answer[:_LONGEST_FIELD],
        riddle=draft.riddle[:_LONGEST_FIELD],
        hints=tuple(hint[:_LONGEST_FIELD] for hint in draft.hints[:_MOST_HINTS]),
    )


_LONGEST_FIELD: Final = 2_000
_LONGEST_SUMMARY: Final = 4_000
_MOST_SUMMARY_WORDS: Final = 90
_MOST_HINTS: Final = 8
_MOST_REASONS: Final = 4
