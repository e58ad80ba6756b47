"""How far a judge may be believed: its agreement with people on the same pairs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from evaluation.statistics import Interval, wilson

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from evaluation.evaluators.judge import Preference, Winner


Pair = TypeVar("Pair", bound="Hashable")
"""What a pair of outcomes is known by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How a judge's preferences compare with people's.

    Args:
        raw: Share of pairs on which both say the same; None when there are no such pairs.
        interval: Of `raw`, by Wilson, 95%.
        kappa: Cohen's kappa: 0 is what chance gives, 1 is full agreement; None when both always say one and the same.
        pairs: Judged by both.
        unscored: Labelled by people and not decided by the judge.
    """

    raw: float | None
    interval: Interval | None
    kappa: float | None
    pairs: int
    unscored: int


def judge_agreement(judged: Mapping[Pair, Preference], human_labels: Mapping[Pair, Winner]) -> Agreement:
    """Compare a judge with people.

    Source: J. Cohen, "A Coefficient of Agreement for Nominal Scales", 1960.
    Cannot see: how far people agree with each other, which bounds what a judge can reach.

    Args:
        judged: By any key of a pair, such as its case id.
        human_labels: By the same keys, with the outcomes in the same order. Pairs without a label are left out.
    """
    said = {key: judged[key].winner if key in judged else None for key in human_labels}
    both = [(human_labels[key], winner) for key, winner in said.items() if winner is not None]
    same = sum(human == winner for human, winner in both)
    return Agreement(
        raw=same / len(both) if both else None,
        interval=wilson(same, len(both)) if both else None,
        kappa=cohens_kappa(both),
        pairs=len(both),
        unscored=len(said) - len(both),
    )


def cohens_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Agreement beyond chance, (observed - expected) / (1 - expected); None where that is not defined."""
    if not pairs:
        return None
    count = len(pairs)
    ones, others = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    expected = sum(ones[label] * others[label] for label in ones)  # times count squared: whole numbers stay exact
    if expected == count * count:
        return None
    observed = count * sum(one == other for one, other in pairs)
    return (observed - expected) / (count * count - expected)
