"""Fits the judge of guesses to labelled ones: weights by maximum likelihood, thresholds by what mistakes cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from chains.guessing import Calibration
from evaluation.guessing.labelled import LABELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from chains.guessing import GuessJudge
    from evaluation.guessing.labelled import Labelled

    Values = NDArray[np.float64]

SOLVED_BY_NONSENSE: Final = 3.0
"""What it costs to call a wrong guess right; calling a near one right, or a right one not, costs 1."""

RIDGE: Final = 0.3
"""Strength of the prior that keeps weights small: the labelled guesses are few."""


def calibrate(labelled: Sequence[Labelled], judge: GuessJudge) -> Calibration:
    """The calibration for these guesses, rounded to two decimals as it ships.

    Weights are those of a cumulative logit with one slope for both steps, from wrong to near and from near to right,
    fitted by Newton's method; the offset puts the middle of both steps at a score of 0.5. Then each threshold is the
    one that costs least.

    Args:
        labelled: All with all three labels among them.
        judge: What reads the signs; its own calibration does not matter.
    """
    signs = np.array([judge.signs(one.guess, one.secret).as_tuple() for one in labelled])
    ranks = np.array([len(LABELS) - 1 - LABELS.index(one.label) for one in labelled])
    *slopes, to_near, to_right = _cumulative_logit(signs, ranks)
    first, second, third, fourth = (round(max(float(slope), 0.0), 2) for slope in slopes)
    offset = round(float(to_near + to_right) / 2, 2)
    weighed = Calibration(weights=(first, second, third, fourth), offset=offset, near=0, right=1)
    scores = np.array([weighed.score(judge.signs(one.guess, one.secret)) for one in labelled])
    return Calibration(
        weights=weighed.weights,
        offset=offset,
        near=_cheapest(scores, ranks >= 1, np.ones(len(ranks))),
        right=_cheapest(scores, ranks == len(LABELS) - 1, np.where(ranks == 0, SOLVED_BY_NONSENSE, 1.0)),
    )


def _cumulative_logit(signs: Values, ranks: NDArray[np.int64]) -> Values:
    """Slopes, then the intercepts of both steps: a logistic regression on each step's yes or no, slopes shared."""
    one, none = np.ones((len(signs), 1)), np.zeros((len(signs), 1))
    rows = np.vstack([np.hstack([signs, one, none]), np.hstack([signs, none, one])])
    passed = np.concatenate([ranks >= 1, ranks >= 2]).astype(np.float64)  # noqa: PLR2004 -- the two steps
    prior = np.diag([RIDGE] * signs.shape[1] + [1e-6, 1e-6])
    found = np.zeros(rows.shape[1])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-rows @ found))
        curvature = rows.T @ (rows * (chance * (1 - chance))[:, None]) + prior
        found = found - np.linalg.solve(curvature, rows.T @ (chance - passed) + prior @ found)
    return found


def _cheapest(scores: Values, passed: NDArray[np.bool_], cost: Values) -> float:
    """The threshold, in hundredths, whose mistakes cost least; the middle one of several."""
    thresholds = np.arange(1, 100) / 100
    costs = np.array([(cost * ((scores >= threshold) != passed)).sum() for threshold in thresholds])
    best = thresholds[costs == costs.min()]
    return round(float(best[len(best) // 2]), 2)


_STEPS: Final = 25


