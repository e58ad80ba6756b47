"""Is this guess right? One number from the signs, and two thresholds calibrated on labelled guesses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from chains.guessing.reading import is_answer
from chains.guessing.signs import Signs, signs_of

if TYPE_CHECKING:
    from chains.guessing.secret import Secret
    from retrievers.embeddings import EmbeddingModel

Verdict = Literal["right", "near", "wrong"]
"""`near` is the right kind of thing, or a main part of the story, without what makes it this story."""


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
class Step:
    """How likely a guess has come so far, by its signs: `1 / (1 + exp(-(offset + weights . signs)))`.

    Args:
        weights: Of `Signs`, in the order of its fields.
        offset: Of a guess without any sign.
    """

    weights: tuple[float, ...]
    offset: float

    def chance(self, signs: Signs) -> float:
        """0 to 1."""
        pairs = zip(self.weights, signs.as_tuple(), strict=True)
        return 1 / (1 + math.exp(-(self.offset + sum(weight * sign for weight, sign in pairs))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Weights and thresholds; `evaluation.guessing` fits all of them to labelled guesses.

    The score is the mean of both chances: half the rank that is to be expected, where wrong is 0, near 1 and right 2.
    Source: the cumulative logit with slopes of each step's own, P. McCullagh, "Regression Models for Ordinal Data",
    J. R. Stat. Soc. B 42(2), 1980.

    Args:
        to_near: From wrong to near.
        to_right: From near to right.
        near: Scores from here on are near.
        right: Scores from here on are right.
    """

    to_near: Step
    to_right: Step
    near: float
    right: float

    def score(self, signs: Signs) -> float:
        """0 to 1; 0 without any sign."""
        if signs == Signs():
            return 0.0
        return (self.to_near.chance(signs) + self.to_right.chance(signs)) / 2

    def verdict(self, score: float) -> Verdict:
        """What a score means."""
        if score >= self.right:
            return "right"
        return "near" if score >= self.near else "wrong"


SHIPPED: Final = Calibration(
    to_near=Step(weights=(0.85, 0.0, 2.63, 3.12, 2.59, 0.86), offset=-2.48),
    to_right=Step(weights=(5.64, 3.55, 0.0, 0.0, 0.0, 1.82), offset=-4.34),
    near=0.26,
    right=0.69,
)
"""What `riddlewire eval guesses` makes of the labelled guesses that ship; a test makes it anew and compares."""


class GuessJudge:
    """Judges guesses. Stateless and safe in threads; a guess takes about two milliseconds of CPU.

    Args:
        embeddings: The embedded ones: the calibration holds for them alone.
        calibration: Weights and thresholds.
    """

    def __init__(self, embeddings: EmbeddingModel, calibration: Calibration = SHIPPED) -> None:
        self._embeddings = embeddings
        self._calibration = calibration

    def signs(self, guess: str, secret: Secret) -> Signs:
        """What speaks for a guess."""
        return signs_of(guess, secret, self._embeddings)

    def judge(self, guess: str, secret: Secret) -> Judgement:
        """Judge one guess; any text is a guess, and no text is an error.

        The answer word for word is right whatever riddle and hints have said of it.
        """
        if is_answer(guess, secret.answer):
            return Judgement(verdict="right", score=1.0)
        score = round(self._calibration.score(self.signs(guess, secret)), 4)
        return Judgement(verdict=self._calibration.verdict(score), score=score)
