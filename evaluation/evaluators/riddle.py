"""Evaluators of a riddle's text by rules that hold for every riddle, whatever gate its pipeline has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from chains.gate import Gate
from chains.gate.form import count_words
from chains.gate.material import flat_short
from chains.words import content_words, related, words
from domain import Draft
from evaluation.evaluators.scoring import FAILED, NO_RIDDLE, given, text_of, unscored, why_no_text
from evaluation.metric import Metric, Score
from prompts import GateSpec

if TYPE_CHECKING:
    from domain import Riddle
    from evaluation.case import Case
    from evaluation.evaluators.pool import Pool
    from evaluation.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Rules:
    """Whether form and secrecy hold by the gate's default thresholds, the same for every pipeline.

    A pipeline's own gate may be stricter, laxer or missing, so its verdicts (`gate_form`, ...) cannot be compared;
    these can. A pipeline that gave no riddle text has no valid form.

    Source: the gate's own checks, `chains.gate.form` and `chains.gate.leakage`.
    Cannot see: what those checks say of themselves: whether it rhymes, makes sense, can be guessed; synonyms.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="form_valid",
            title="Form valid",
            group="riddle",
            unit="share",
            better="higher",
            about="Lines, length and hints are those of a riddle, and it is neither prose nor an echo.",
            blind_to="Whether it rhymes, makes sense, or can be guessed.",
            binary=True,
            headline=True,
        ),
        Metric(
            name="leak_free",
            title="No leak",
            group="riddle",
            unit="share",
            better="higher",
            about="The riddle uses no word of its answer, no name of the article, no digit, and not the headline.",
            blind_to="Synonyms, translations, and numbers in words.",
            binary=True,
            headline=True,
        ),
    )

    def __call__(self, outcome: Outcome, case: Case, pool: Pool) -> dict[str, Score]:
        """Score riddle, answer and hints."""
        riddle = given(outcome)
        if riddle is None:
            return unscored(self.metrics, FAILED)
        if not text_of(outcome).strip():
            return {"form_valid": Score(0.0, NO_RIDDLE), "leak_free": Score(None, NO_RIDDLE)}
        verdict = _gate().judge(draft_of(riddle), article=pool.facts(case), summary=riddle.summary or "")
        found = {check.name: Score(float(check.passed), check.detail) for check in verdict.checks}
        return {"form_valid": found["form"], "leak_free": found["leakage"]}


@dataclass(frozen=True, slots=True)
class AnswerLeak:
    """How much of the answer the riddle gives away.

    Source: the gate's rule of kinship of words (`chains.words.related`: stems, first five letters, words in words).
    Cannot see: synonyms, translations, rhymes that only leave the answer, scripts without spaces between words.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="answer_leak",
            title="Answer leaked",
            group="riddle",
            unit="share",
            better="lower",
            about="Share of the answer's content words that stand in the riddle, in any form.",
            blind_to="Synonyms and translations.",
        ),
    )

    def __call__(self, outcome: Outcome, case: Case, pool: Pool) -> dict[str, Score]:  # noqa: ARG002  # one signature
        """Score the riddle against its own answer."""
        riddle = given(outcome)
        reason = why_no_text(outcome)
        if reason or riddle is None:
            return unscored(self.metrics, reason)
        answer = (riddle.answer or "")[:_LONGEST_ANSWER]
        secret = content_words(answer) or words(answer)
        if not secret:
            return unscored(self.metrics, "the answer has no words")
        spoken = frozenset(words(text_of(outcome)))
        leaked = [word for word in secret if any(related(word, other) for other in spoken)]
        return {"answer_leak": Score(len(leaked) / len(secret), ", ".join(leaked))}


@dataclass(frozen=True, slots=True)
class Copying:
    """The longest passage that a riddle took from an example in its prompt.

    Source: longest common n-gram, as R. T. McCoy et al. look for copies in "How Much Do Language Models Copy From
    Their Training Data?", TACL 2023; here the training data are the examples shown.
    Cannot see: copies of ideas, and of texts that the model learnt elsewhere.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="copied_run",
            title="Longest copy from a shot",
            group="riddle",
            unit="words",
            better="lower",
            about="Longest run of words that the riddle shares with the riddle of an example it was shown.",
            blind_to="Copies of ideas, and of texts that the model learnt elsewhere.",
        ),
    )

    def __call__(self, outcome: Outcome, case: Case, pool: Pool) -> dict[str, Score]:  # noqa: ARG002  # one signature
        """Score the riddle against the examples that the steps which wrote it were shown."""
        riddle = given(outcome)
        reason = why_no_text(outcome)
        if reason or riddle is None:
            return unscored(self.metrics, reason)
        shown = dict.fromkeys(example_id for step in riddle.steps for example_id in step.example_ids)
        if not shown:
            return unscored(self.metrics, "no examples were shown")
        known = [pool.examples[example_id].riddle for example_id in shown if example_id in pool.examples]
        if not known:
            return unscored(self.metrics, "the examples that were shown are not known any more")
        text = text_of(outcome)
        return {"copied_run": Score(float(max(longest_common_run(text, other) for other in known)))}


@dataclass(frozen=True, slots=True)
class Length:
    """How long the riddle is.

    Source: none needed; words as the gate counts them.
    Cannot see: whether the words are worth reading.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="riddle_words",
            title="Riddle length",
            group="riddle",
            unit="words",
            better="neither",
            about="Words of the riddle.",
            blind_to="Whether they are worth reading.",
        ),
    )

    def __call__(self, outcome: Outcome, case: Case, pool: Pool) -> dict[str, Score]:  # noqa: ARG002  # one signature
        """Score the riddle's length."""
        reason = why_no_text(outcome)
        if reason:
            return unscored(self.metrics, reason)
        return {"riddle_words": Score(float(count_words(text_of(outcome))))}


def draft_of(riddle: Riddle) -> Draft:
    """A finished riddle as the gate wants it."""
    return Draft(answer=riddle.answer or "", riddle=riddle.riddle or "", hints=riddle.hints, summary=riddle.summary)


def longest_common_run(text: str, other: str) -> int:
    """The number of words of the longest run of consecutive words that stands in both texts."""
    spoken, flat = flat_short(text).split(), flat_short(other)
    longest = start = 0
    while start + longest < len(spoken):
        if f" {' '.join(spoken[start : start + longest + 1])} " in flat:
            longest += 1
        else:
            start += 1
    return longest


@cache
def _gate() -> Gate:
    return Gate(GateSpec(checks=("form", "leakage")))


_LONGEST_ANSWER = 2_000
