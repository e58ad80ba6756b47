"""What speaks for a guess: six numbers between 0 and 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

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
        named: Share of the answer's words that the guess has, by their likeness. Those that summary or title have,
            too, weigh double: models write answers with words that tell nothing of the story.
        told: How many of the guess's words the summary has; four or more are 1.
        like_answer: Cosine of guess and answer as a whole, not below 0.
        like_summary: Cosine of guess and summary as a whole, not below 0.
        fits: Share of the guess's words that answer, summary or title has, by their likeness.
        titled: How many of the guess's words the title has; three or more are 1.
    """

    named: float = 0.0
    told: float = 0.0
    like_answer: float = 0.0
    like_summary: float = 0.0
    fits: float = 0.0
    titled: float = 0.0

    def as_tuple(self) -> tuple[float, ...]:
        """In the order of the fields."""
        return self.named, self.told, self.like_answer, self.like_summary, self.fits, self.titled


def signs_of(guess: str, secret: Secret, embeddings: EmbeddingModel) -> Signs:
    """Compare a guess with what is to be guessed.

    Whoever lists many words hits some: from the fourth word on that belongs nowhere, `named`, `told` and `titled`
    shrink in proportion.

    Args:
        guess: What the reader wrote.
        secret: What it is held against.
        embeddings: Of words and texts.
    """
    guessed = fresh_words(guess, secret)
    answered = telling_words(secret.answer)
    if not guessed or not answered:
        return Signs()
    summed, titled = telling_words(secret.summary)[:_LONGEST_TOLD], telling_words(secret.title)[:_LONGEST_TOLD]
    both = likeness((*guessed, *answered), (*answered, *summed, *titled), embeddings)
    of_guess, of_answer = both[: len(guessed)], both[len(guessed) :, len(answered) :]
    in_answer, in_summary, in_title = np.split(of_guess, [len(answered), len(answered) + len(summed)], axis=1)
    focus = _focus(of_guess)
    like_answer, like_summary = _wholes(" ".join(guessed), secret, embeddings)
    return Signs(
        named=float(np.average(in_answer.max(axis=0), weights=1 + of_answer.max(axis=1, initial=0))) * focus,
        told=_share(in_summary, _ENOUGH_TOLD) * focus,
        like_answer=like_answer,
        like_summary=like_summary,
        fits=float(of_guess.max(axis=1).mean()),
        titled=_share(in_title, _ENOUGH_TITLED) * focus,
    )


def _wholes(guess: str, secret: Secret, embeddings: EmbeddingModel) -> tuple[float, float]:
    rows = embeddings.matrix([guess, secret.answer, secret.summary or secret.answer])
    like_answer, like_summary = (max(float(rows[0] @ row), 0.0) for row in rows[1:])
    return like_answer, like_summary if secret.summary else 0.0


def _share(found: Matrix, enough: int) -> float:
    return min(float(found.max(axis=1, initial=0).sum()) / enough, 1.0)


def _focus(found: Matrix) -> float:
    stray = float((1 - found.max(axis=1)).sum())
    return min(1.0, _STRAY_ALLOWED / stray) if stray > 0 else 1.0


_ENOUGH_TOLD: Final = 4
_ENOUGH_TITLED: Final = 3
_STRAY_ALLOWED: Final = 3
_LONGEST_TOLD: Final = 80
