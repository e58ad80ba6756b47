"""Choosing the examples to show among the nearest ones; pure functions over numpy arrays.

Rules, in this order, each with the reason it leaves behind:

1. An example whose text is the article's own is no example for it.
2. Below the similarity floor nothing is shown.
3. Of two that nearly are the same, the less similar to the article goes.
4. Maximal marginal relevance picks `k`: J. Carbonell and J. Goldstein, "The Use of MMR, Diversity-Based Reranking for
   Reordering Documents and Producing Summaries", SIGIR 1998.
5. Whole examples are dropped, least similar first, until the rest fits the token budget.

What is left is ordered by similarity, most similar last, next to the question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from domain import Example
    from prompts import RetrievalSpec
    from retrievers.vectors import Matrix

NEAR_DUPLICATE = 0.95
"""Cosine similarity from which two examples count as the same story told twice."""

CountTokens = Callable[["Example"], int]


@dataclass(frozen=True, slots=True)
class Scored:
    """An example with its cosine similarity to the article."""

    example: Example
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """What became of one of the nearest examples, and why."""

    id: str
    headline: str
    topic: str
    score: float
    kept: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The examples to show, most similar last.

    Args:
        examples: With their similarity.
        explain: Tells what was considered.
    """

    examples: tuple[Scored, ...] = ()
    explain: Callable[[], tuple[Considered, ...]] = field(default=tuple, compare=False)

    @property
    def considered(self) -> tuple[Considered, ...]:
        """Everything that was looked at, most similar first, put together when asked for: most never are."""
        return self.explain()


class Candidate(NamedTuple):
    """One of the nearest: the example, its vector, and whether its text is the article's own."""

    example: Example
    vector: Matrix
    same_text: bool = False


def choose(
    query: Matrix,
    candidates: Sequence[Candidate],
    spec: RetrievalSpec,
    *,
    count_tokens: CountTokens | None = None,
    budget_tokens: int | None = None,
) -> Selection:
    """Apply the rules above.

    Args:
        query: The article's vector, of unit length.
        candidates: In any order.
        spec: How many, from which similarity on, and how diverse.
        count_tokens: What an example takes in the prompt.
        budget_tokens: What all of them may take; without it or without a count, everything fits.
    """
    if not candidates:
        return Selection()
    vectors = np.concatenate([candidate.vector for candidate in candidates]).reshape(len(candidates), -1)
    scores = np.clip(vectors @ query, -1.0, 1.0)
    order = np.argsort(-scores, kind="stable")
    ranked, vectors, scores = [candidates[i] for i in order], vectors[order], scores[order]
    between = vectors @ vectors.T

    reasons: dict[int, str] = {}
    pool = _eligible(ranked, scores, between, spec.floor, reasons)
    mixed = _mmr(scores, between, pool, spec.k, spec.mmr_lambda)
    others = f"the {len(mixed)} shown are a better mix of similarity and variety"
    reasons.update(dict.fromkeys(set(pool).difference(mixed), others))
    picked = sorted(mixed)
    if count_tokens is not None and budget_tokens is not None:
        picked = _pack(ranked, picked, count_tokens, budget_tokens, reasons)
    shown = tuple(Scored(ranked[place].example, float(scores[place])) for place in reversed(picked))
    return Selection(shown, partial(_considered, ranked, scores, picked, reasons))


def _eligible(
    ranked: Sequence[Candidate], scores: Matrix, between: Matrix, floor: float, reasons: dict[int, str]
) -> list[int]:
    """Places of the candidates that may be shown; the reasons of the others go into `reasons`."""
    pool: list[int] = []
    alike = between >= NEAR_DUPLICATE
    lonely = (alike.sum(axis=0) <= 1).tolist()
    for place, (candidate, score) in enumerate(zip(ranked, scores.tolist(), strict=True)):
        if candidate.same_text:
            reasons[place] = "its text is the article's own"
        elif score < floor:
            reasons[place] = f"similarity {score:.3f} is below the floor of {floor:.3f}"
        elif not lonely[place] and (twins := [other for other in pool if alike[place, other]]):
            reasons[place] = f"nearly the same as {ranked[twins[0]].example.id}, which is more similar"
        else:
            pool.append(place)
    return pool


def _mmr(scores: Matrix, between: Matrix, pool: Sequence[int], k: int, relevance: float) -> list[int]:
    """Maximal marginal relevance: argmax of `relevance * score - (1 - relevance) * nearest picked`, k times."""
    if not pool:
        return []
    places = np.array(pool, dtype=np.intp)
    relevant = relevance * scores[places]
    similar = (1 - relevance) * between[np.ix_(places, places)]
    nearest = np.zeros_like(relevant)
    picked: list[int] = []
    for _ in range(min(k, len(pool))):
        best = int(np.argmax(relevant - nearest))
        nearest = np.maximum(nearest, similar[best]) if picked else similar[best].copy()
        picked.append(best)
        relevant[best] = -np.inf
    return [pool[best] for best in picked]


def _pack(
    ranked: Sequence[Candidate], picked: list[int], count: CountTokens, budget: int, reasons: dict[int, str]
) -> list[int]:
    """Drop from the end (least similar) until the rest fits."""
    tokens = [count(ranked[place].example) for place in picked]
    total = sum(tokens)
    while picked and total > budget:
        place, freed = picked.pop(), tokens.pop()
        reasons[place] = f"dropped to fit the budget: {total} tokens of examples, {budget} allowed"
        total -= freed
    return picked


def _considered(
    ranked: Sequence[Candidate], scores: Matrix, picked: Sequence[int], reasons: dict[int, str]
) -> tuple[Considered, ...]:
    kept = {place: f"shown, number {rank} by similarity" for rank, place in enumerate(picked, 1)}
    return tuple(
        Considered(
            id=candidate.example.id,
            headline=candidate.example.headline,
            topic=candidate.example.topic,
            score=float(scores[place]),
            kept=place in kept,
            reason=kept.get(place) or reasons[place],
        )
        for place, candidate in enumerate(ranked)
    )
