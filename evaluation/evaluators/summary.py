"""Evaluators of summaries."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from chains.gate import ArticleFacts
from chains.gate.form import count_words
from chains.gate.grounding import Grounding
from domain import Article
from evaluation.evaluators.extras import rouge_scorer
from evaluation.evaluators.scoring import summary_of, unscored, why_no_summary
from evaluation.metric import Metric, Score
from evaluation.results import REFERENCE

if TYPE_CHECKING:
    from evaluation.case import Case
    from evaluation.evaluators.pool import Pool
    from evaluation.outcome import Outcome


def _rouge(name: str, title: str, what: str, *, headline: bool = False) -> Metric:
    return Metric(
        name=name,
        title=title,
        group="summary",
        unit="share",
        better="higher",
        about=f"{what} that summary and reference share, as F1 of stems.",
        blind_to="Another wording of the same, and whether what is said is true.",
        headline=headline,
    )


@dataclass(frozen=True, slots=True)
class Rouge:
    """How much of the wording of a person's summary a summary has.

    Source: C.-Y. Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004; F1 by `rouge-score`.
    Cannot see: another wording of the same, whether what is said is true, and which words matter.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        _rouge("rouge1", "ROUGE-1", "Words"),
        _rouge("rouge2", "ROUGE-2", "Pairs of neighbouring words"),
        _rouge("rougeL", "ROUGE-L", "The longest common sequence of words", headline=True),
    )

    def __call__(self, outcome: Outcome, case: Case, pool: Pool) -> dict[str, Score]:  # noqa: ARG002  # one signature
        """Score the summary against the case's reference."""
        reason = why_no_summary(outcome)
        if reason:
            return unscored(self.metrics, reason)
        if outcome.pipeline == REFERENCE:
            return unscored(self.metrics, "it is the reference itself")
        if not case.summary:
            return unscored(self.metrics, "the case has no reference summary")
        scores = rouge_scorer().score(case.summary, summary_of(outcome))
        return {metric.name: Score(float(scores[metric.name].fmeasure)) for metric in self.metrics}


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """The share of a summary's names and numbers that stand in the article: one that does not may be invented.

    Source: the gate's own check, `chains.gate.grounding`; the idea is fact-based precision as in B. Goodrich et al.,
    "Assessing The Factual Accuracy of Generated Text", KDD 2019, on names and numbers alone.
    Cannot see: a true name in a false role, wrong verbs, and what else the check says of itself. Allowed additions
    (countries, nationalities) are not counted.

    Args:
        check: Finds names and numbers, and looks them up.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="faithfulness",
            title="Faithfulness",
            group="summary",
            unit="share",
            better="higher",
            about="Share of the summary's names and numbers that stand in the article.",
            blind_to="A true name in a false role, and wrong verbs.",
            headline=True,
        ),
    )

    check: Grounding = field(default_factory=Grounding)

    def __call__(self, outcome: Outcome, case: Case, pool: Pool) -> dict[str, Score]:
        """Score the summary against the case's article."""
        reason = why_no_summary(outcome)
        if reason:
            return unscored(self.metrics, reason)
        summary = summary_of(outcome)
        # against an article that says nothing, every name and number is one that the article has not
        claims = sum(1 for _ in self.check.reasons(summary, _nothing()))
        if not claims:
            return unscored(self.metrics, "the summary has no names and numbers to look up")
        made_up = list(self.check.reasons(summary, pool.facts(case)))
        return {"faithfulness": Score(1 - len(made_up) / claims, " ".join(made_up[:_SHOWN]))}


@dataclass(frozen=True, slots=True)
class Compression:
    """How long the summary is beside its article.

    Source: the compression ratio of M. Grusky et al., "Newsroom", NAACL 2018, turned round, so that shorter is less.
    Cannot see: what was left out. A very short summary may say nothing, a long one may be the article.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="compression",
            title="Summary length / article length",
            group="summary",
            unit="share",
            better="neither",
            about="Words of the summary divided by words of the article.",
            blind_to="What was left out.",
        ),
    )

    def __call__(self, outcome: Outcome, case: Case, pool: Pool) -> dict[str, Score]:  # noqa: ARG002  # one signature
        """Score the summary's length."""
        reason = why_no_summary(outcome)
        if reason:
            return unscored(self.metrics, reason)
        long = count_words(case.article.text)
        if not long:
            return unscored(self.metrics, "the article has no words")
        return {"compression": Score(count_words(summary_of(outcome)) / long)}


@cache
def _nothing() -> ArticleFacts:
    return ArticleFacts(Article(text="."))


_SHOWN = 3
