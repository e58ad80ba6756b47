"""The blind solver: can the story be found from the riddle alone?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import numpy as np

from evaluation.evaluators.scoring import text_of, unscored, why_no_text
from evaluation.evaluators.stories import LINEUP
from evaluation.metric import Metric, Score

if TYPE_CHECKING:
    from evaluation.case import Case
    from evaluation.evaluators.pool import Pool
    from evaluation.evaluators.stories import Difficulty
    from evaluation.outcome import Outcome
    from retrievers.vectors import Matrix

_BLIND: Final = "Word play that vectors of words miss; a solver that reads may find more. Easy is not good as such."


def _accuracy(name: str, title: str, which: str, *, headline: bool = False) -> Metric:
    return Metric(
        name=name,
        title=title,
        group="riddle",
        unit="share",
        better="higher",
        about=f"A solver that sees only the riddle finds its story among ten: {which}. Chance is 0.1.",
        blind_to=_BLIND,
        binary=True,
        headline=headline,
    )


@dataclass(frozen=True, slots=True)
class EmbeddingSolver:
    """Ranks ten stories by the similarity of their vectors to the riddle's. It sees neither answer nor hints.

    The stories are headline and article of the right case and of nine others, see `evaluation.evaluators.stories`:
    random ones (easy), of the same topic or day, and most similar ones (hard). With fewer cases there are fewer
    stories, which the reason says; with one there is no score. A story as similar as the right one counts as ahead.

    `solver_margin` is the right story's similarity less the best other one's, among random ones: far below 0 nobody
    finds it, far above 0 the riddle may as well be the headline. Too easy is a fault, too.

    Source: answerability as retrieval, as E. Voorhees scores question answering by mean reciprocal rank, "The TREC-8
    Question Answering Track Report", 1999; the blind reader of a text with its secret removed is the cloze idea of
    W. Taylor, 1953.
    Cannot see: word play, metaphor, what readers know of the news. A model solver (`ModelSolver`) sees more of it.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        _accuracy(
            "solver_accuracy", "Solver accuracy@1", "the other nine are random ones of the dataset", headline=True
        ),
        _accuracy("solver_accuracy_topic", "Solver accuracy@1, same topic or day", "others of its topic or day first"),
        _accuracy(
            "solver_accuracy_hard", "Solver accuracy@1, most similar", "the other nine are the most similar ones"
        ),
        Metric(
            name="solver_mrr",
            title="Solver MRR",
            group="riddle",
            unit="score",
            better="higher",
            about="One divided by the rank of the right story among ten, the others random. Chance is 0.29.",
            blind_to=_BLIND,
        ),
        Metric(
            name="solver_margin",
            title="Solver margin",
            group="riddle",
            unit="score",
            better="neither",
            about="Similarity of the right story less that of the best of nine random others.",
            blind_to="Which of the words gave it away.",
        ),
    )

    def __call__(self, outcome: Outcome, case: Case, pool: Pool) -> dict[str, Score]:
        """Let the solver look for the story of the riddle."""
        reason = why_no_text(outcome)
        if reason:
            return unscored(self.metrics, reason)
        if case.id not in pool.cases:
            return unscored(self.metrics, "the case is not one of the pool")
        vector = pool.vector(text_of(outcome))
        return {
            **self._among("random", ("solver_accuracy", "solver_mrr", "solver_margin"), vector, case, pool),
            **self._among("topical", ("solver_accuracy_topic",), vector, case, pool),
            **self._among("similar", ("solver_accuracy_hard",), vector, case, pool),
        }

    def _among(
        self, difficulty: Difficulty, names: tuple[_Name, ...], vector: Matrix, case: Case, pool: Pool
    ) -> dict[str, Score]:
        stories = pool.stories()
        lineup = stories.lineup(case.id, difficulty)
        if len(lineup) < _FEWEST:
            return {name: Score(None, _NO_OTHERS[difficulty]) for name in names}
        similar = stories.similarities(vector, lineup)
        rank = 1 + int(np.count_nonzero(similar[1:] >= similar[0]))
        values: dict[_Name, float] = {
            "solver_mrr": 1 / rank,
            "solver_margin": float(similar[0] - similar[1:].max()),
        }
        reason = among(len(lineup))
        return {name: Score(values.get(name, float(rank == 1)), reason) for name in names}


_Name = Literal["solver_accuracy", "solver_accuracy_topic", "solver_accuracy_hard", "solver_mrr", "solver_margin"]


def among(stories: int) -> str:
    """What a person should know of a line-up that is too small; empty when it is not."""
    return "" if stories >= LINEUP else f"among {stories} stories only"


_FEWEST: Final = 2
_NO_OTHERS: Final[dict[Difficulty, str]] = {
    "random": "the dataset has no other story",
    "topical": "no other story of the dataset has its topic or day",
    "similar": "the dataset has no other story",
}
