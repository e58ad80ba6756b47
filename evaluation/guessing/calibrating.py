"""Fits the judge of guesses to labelled ones: weights by maximum likelihood, thresholds by what mistakes cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from chains.guessing import Calibration, Step
from evaluation.guessing.labelled import LABELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from chains.guessing import GuessJudge
    from evaluation.guessing.labelled import Labelled

    Values = NDArray[np.float64]

CALLED_RIGHT: Final = {"right": 0.0, "near": 0.5, "wrong": 2.0}
"""What it costs to call a guess right, by its label; not to call a right one right costs 1.

A reader whose right guess is refused has nothing left to say, one whose near guess passes had the story in hand, and
one who solves a riddle with nonsense stops believing in it.
"""

RIDGE: Final = 0.3
"""Strength of the prior that keeps weights small: the labelled guesses are few."""


def calibrate(labelled: Sequence[Labelled], judge: GuessJudge) -> Calibration:
    """The calibration for these guesses, rounded to two decimals as it ships.

    Each step, from wrong to near and from near to right, is a logistic regression of its own, fitted by Newton's
    method. Then each threshold is the one whose mistakes cost least.

    Args:
        labelled: All three labels must be among them.
        judge: What reads the signs; its own calibration does not matter.
    """
    signs = [judge.signs(one.guess, one.secret) for one in labelled]
    rows = np.array([each.as_tuple() for each in signs])
    ranks = np.array([_RANKS[one.label] for one in labelled])
    weighed = Calibration(to_near=_step(rows, ranks >= 1), to_right=_step(rows, ranks >= _RIGHT), near=0, right=1)
    scores = np.array([weighed.score(each) for each in signs])
    return replace(
        weighed,
        near=_cheapest(scores, ranks >= 1, np.ones(len(ranks))),
        right=_cheapest(scores, ranks >= _RIGHT, np.array([CALLED_RIGHT[one.label] or 1.0 for one in labelled])),
    )


def _step(rows: Values, passed: NDArray[np.bool_]) -> Step:
    """One step with no weight below 0: a sign that would count against a guess is left out and the rest fitted anew.

    With a weight below 0 a guess could be made right by spoiling it, such as with words that belong nowhere.
    """
    kept = list(range(rows.shape[1]))
    while True:
        *found, offset = _logistic(rows[:, kept], passed)
        if min(found) >= 0:
            break
        kept = [sign for sign, weight in zip(kept, found, strict=True) if weight >= 0]
    weights = dict(zip(kept, found, strict=True))
    return Step(
        weights=tuple(round(float(weights.get(sign, 0)), 2) for sign in range(rows.shape[1])),
        offset=round(float(offset), 2),
    )


def _logistic(rows: Values, passed: NDArray[np.bool_]) -> Values:
    """Weights, then the offset, of a logistic regression with a ridge on the weights."""
    columns = np.hstack([rows, np.ones((len(rows), 1))])
    prior = np.diag([RIDGE] * rows.shape[1] + [_ALMOST_FREE])
    found = np.zeros(columns.shape[1])
    for _ in range(_ITERATIONS):
        chance = 1 / (1 + np.exp(-columns @ found))
        curvature = columns.T @ (columns * (chance * (1 - chance))[:, None]) + prior
        found = found - np.linalg.solve(curvature, columns.T @ (chance - passed) + prior @ found)
    return found


def _cheapest(scores: Values, passed: NDArray[np.bool_], cost: Values) -> float:
    """The threshold, in hundredths, around which mistakes cost least.

    The mean over `_AROUND` hundredths decides, so that no single guess does.
    """
    thresholds = np.arange(1, 100) / 100
    costs = np.array([(cost * ((scores >= threshold) != passed)).sum() for threshold in thresholds])
    around = np.convolve(np.pad(costs, _AROUND // 2, mode="edge"), np.ones(_AROUND), mode="valid").round(6)
    best = thresholds[around == around.min()]
    return round(float(best[len(best) // 2]), 2)


_AROUND: Final = 7
_ITERATIONS: Final = 25
_ALMOST_FREE: Final = 1e-6
_RANKS: Final = {label: rank for rank, label in enumerate(reversed(LABELS))}
_RIGHT: Final = _RANKS["right"]
