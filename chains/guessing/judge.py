"""Is this guess right? One number from the signs, and two thresholds calibrated on guesses that people labelled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from chains.guessing.signs import Signs, signs_of

if TYPE_CHECKING:
    from retrievers.embeddings import EmbeddingModel

Verdict = Literal["right", "near", "wrong"]
"""`near` is the right kind of thing, or a main part of the story, without what makes it this story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What a guess is held against.

    Args:
        answer: What is to be guessed; not blank.
        summary: Of the article: a guess that names the story is right, whatever words the answer uses.
        shown: What every reader has before them: riddle and hints. Its words prove nothing.
    """

    answer: str
    summary: str = ""
    shown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What became of a guess.

    Args:
        verdict: right, near or wrong.
        score: 0 to 1, the higher the nearer.
    """

    verdict: Verdict
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Weights and thresholds.

    `score = 1 / (1 + exp(-(offset + weights . signs)))`: a cumulative logit, P. McCullagh, "Regression Models for
    Ordinal Data", J. R. Stat. Soc. B 42(2), 1980. `evaluation.guessing` fits all of it to labelled guesses.

    Args:
        weights: Of `Signs`, in the order of its fields; none below 0.
        offset: What a guess without any sign has.
        near: Scores from here on are near.
        right: Scores from here on are right.
    """

    weights: tuple[float, float, float, float]
    offset: float
    near: float
    right: float

    def score(self, signs: Signs) -> float:
        """0 to 1; 0 without any sign."""
        if signs == Signs():
            return 0.0
        pairs = zip(self.weights, signs.as_tuple(), strict=True)
        return 1 / (1 + math.exp(-(self.offset + sum(weight * sign for weight, sign in pairs))))

    def verdict(self, score: float) -> Verdict:
        """What a score means."""
        if score >= self.right:
            return "right"
        return "near" if score >= self.near else "wrong"


SHIPPED: Final = Calibration(weights=(3.5, 2.6, 2.6, 1.5), offset=-3.2, near=0.21, right=0.79)
"""Made by `riddlewire eval guesses`; a test makes it anew and compares."""


class GuessJudge:
    """Judges guesses. Stateless and safe in threads; a guess takes about a millisecond.

    Args:
        embeddings: The embedded ones: the calibration holds for them alone.
        calibration: Weights and thresholds.
    """

    def __init__(self, embeddings: EmbeddingModel, calibration: Calibration = SHIPPED) -> None:
        self._embeddings = embeddings
        self._calibration = calibration

    def signs(self, guess: str, secret: Secret) -> Signs:
        """What speaks for a guess."""
        return signs_of(
            guess, answer=secret.answer, summary=secret.summary, shown=secret.shown, embeddings=self._embeddings
        )

    def judge(self, guess: str, secret: Secret) -> Judgement:
        """Judge one guess; any text is a guess, and no text is an error."""
        score = round(self._calibration.score(self.signs(guess, secret)), 4)
        return Judgement(verdict=self._calibration.verdict(score), score=score)
