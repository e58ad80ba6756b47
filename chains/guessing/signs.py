"""What speaks for a guess: five numbers between 0 and 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from chains.guessing.likeness import likeness
from chains.guessing.reading import fresh_words, telling_words

if TYPE_CHECKING:
    from chains.guessing.secret import Secret
    from retrievers.embeddings import EmbeddingModel
    from retrievers.vectors import Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """How a guess and a secret agree. All 0 for a guess that says nothing of its own.

    Args:
        named: Share of the answer's words that the guess has, by their likeness.
        told: How many of the guess's words the summary has; four or more are 1.
        like_answer: Cosine of guess and answer as a whole, not below 0.
        like_summary: Cosine of guess and summary as a whole, not below 0.
        fits: Share of the guess's words that answer or summary has, by their likeness.
    """

    named: float = 0.0
    told: float = 0.0
    like_answer: float = 0.0
    like_summary: float = 0.0
    fits: float = 0.0

    def as_tuple(self) -> tuple[float, ...]:
        """In the order of the fields."""
        return self.named, self.told, self.like_answer, self.like_summary, self.fits


def signs_of(guess: str, secret: Secret, embeddings: EmbeddingModel) -> Signs:
    """Compare a guess with what is to be guessed.

    Whoever lists many words hits some: from the fourth word on that belongs neither to answer nor summary, `named` and
    `told` shrink in proportion.

    Args:
        guess: What the reader wrote.
        secret: What it is held against.
        embeddings: Of words and texts.
    """
    guessed = fresh_words(guess, secret)
    if not guessed:
        return Signs()
    answered, summed = telling_words(secret.answer), telling_words(secret.summary)[:_LONGEST_SUMMARY]
    both = likeness(guessed, (*answered, *summed), embeddings)
    in_answer, in_summary = both[:, : len(answered)], both[:, len(answered) :]
    focus = _focus(both)
    wholes = embeddings.matrix([" ".join(guessed), secret.answer, secret.summary or secret.answer])
    return Signs(
        named=float(in_answer.max(axis=0).mean()) * focus if answered else 0.0,
        told=min(float(in_summary.max(axis=1, initial=0).sum()) / _ENOUGH_TOLD, 1.0) * focus,
        like_answer=max(float(wholes[0] @ wholes[1]), 0.0),
        like_summary=max(float(wholes[0] @ wholes[2]), 0.0) if secret.summary else 0.0,
        fits=float(both.max(axis=1, initial=0).mean()),
    )


def _focus(both: Matrix) -> float:
    stray = float((1 - both.max(axis=1, initial=0)).sum())
    return min(1.0, _STRAY_ALLOWED / stray) if stray > 0 else 1.0


_ENOUGH_TOLD: Final = 4
_STRAY_ALLOWED: Final = 3
_LONGEST_SUMMARY: Final = 80
