"""Evaluators of the examples that were retrieved for an article."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, ClassVar, Final

from evaluation.evaluators.scoring import FAILED, given, unscored
from evaluation.metric import Metric, Score

if TYPE_CHECKING:
    from evaluation.case import Case
    from evaluation.evaluators.pool import Pool
    from evaluation.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Shots:
    """Whether the examples fit the article and differ from each other.

    Share with the case's topic, mean cosine with the article as the retriever saw it, and redundancy: the mean cosine
    between two of them.

    Source: relevance and redundancy as J. Carbonell and J. Goldstein weigh them in maximal marginal relevance, SIGIR
    1998; precision by topic as usual in retrieval.
    Cannot see: whether an example helps. Topics are broad, and cosines of different embedding models do not compare.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="shots_topic",
            title="Shots of the same topic",
            group="retrieval",
            unit="share",
            better="higher",
            about="Share of the retrieved examples that have the case's topic.",
            blind_to="Whether they help, and how near two topics are.",
        ),
        Metric(
            name="shots_similarity",
            title="Similarity of shots",
            group="retrieval",
            unit="score",
            better="higher",
            about="Mean cosine of the retrieved examples with the article.",
            blind_to="Whether they help; cosines of different embedding models do not compare.",
        ),
        Metric(
            name="shots_redundancy",
            title="Redundancy of shots",
            group="retrieval",
            unit="score",
            better="lower",
            about="Mean cosine between two of the retrieved examples.",
            blind_to="Whether they show different forms of riddles.",
        ),
        Metric(
            name="shots",
            title="Shots",
            group="retrieval",
            unit="count",
            better="neither",
            about="Number of examples retrieved; a small window may hold fewer.",
            blind_to="Whether they help.",
        ),
    )

    def __call__(self, outcome: Outcome, case: Case, pool: Pool) -> dict[str, Score]:
        """Score the examples that retrieval selected."""
        if given(outcome) is None:
            return unscored(self.metrics, FAILED)
        selected = outcome.selected
        if not selected:
            return unscored(self.metrics, "no examples were retrieved")
        return {
            "shots_topic": self._topic(outcome, case),
            "shots_similarity": Score(fmean(example.score for example in selected)),
            "shots_redundancy": self._redundancy(outcome, pool),
            "shots": Score(float(len(selected))),
        }

    def _topic(self, outcome: Outcome, case: Case) -> Score:
        if not case.topic:
            return Score(None, "nobody said what topic the case has")
        return Score(fmean(example.topic == case.topic for example in outcome.selected))

    def _redundancy(self, outcome: Outcome, pool: Pool) -> Score:
        vectors = pool.example_vectors([example.id for example in outcome.selected])
        count = len(vectors)
        if count < _FEWEST:
            return Score(None, "there are no two known examples")
        total = float((vectors @ vectors.T).sum())
        return Score((total - count) / (count * (count - 1)))


_FEWEST: Final = 2
