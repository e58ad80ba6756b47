"""How often the judge of guesses agrees with the labels."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evaluation.guessing.labelled import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chains.guessing import GuessJudge, Verdict
    from evaluation.guessing.labelled import Labelled


STRANGERS: Final = 8
"""Other stories that a guess is tried at."""

_STRIDE: Final = 7


@dataclass(frozen=True, slots=True)
class Confusion:
    """How many guesses of each label got each verdict.

    Args:
        counts: By label, then verdict.
    """

    counts: dict[Verdict, dict[Verdict, int]]

    @property
    def total(self) -> int:
        """All guesses."""
        return sum(sum(row.values()) for row in self.counts.values())

    @property
    def agreed(self) -> int:
        """Guesses whose verdict is their label."""
        return sum(self.counts[label][label] for label in LABELS)

    @property
    def decided(self) -> int:
        """Guesses for which right or not right, all that solves a riddle, is as labelled."""
        right = self.counts["right"]["right"]
        return right + sum(self.counts[label][verdict] for label in LABELS[1:] for verdict in LABELS[1:])

    @property
    def accuracy(self) -> float:
        """Share of all three verdicts that are as labelled."""
        return self.agreed / self.total

    @property
    def solving_accuracy(self) -> float:
        """Share of guesses for which right or not right is as labelled."""
        return self.decided / self.total

    @property
    def nonsense_solves(self) -> float:
        """Share of wrong guesses that are called right."""
        return self.share("wrong", "right")

    def share(self, label: Verdict, verdict: Verdict) -> float:
        """Of the guesses of a label, how many got a verdict."""
        return self.counts[label][verdict] / max(sum(self.counts[label].values()), 1)


def elsewhere(labelled: Sequence[Labelled], judge: GuessJudge) -> dict[Verdict, int]:
    """Try guesses that are right where they belong at `STRANGERS` other stories each, and count the verdicts.

    What is to be hoped for is `wrong`: a reader who tries at one riddle what solves others should get nowhere.
    """
    secrets = {one.story: one.secret for one in labelled if not one.made}
    secrets |= {one.story: one.secret for one in labelled if one.story not in secrets}
    stories = list(secrets)
    found: Counter[Verdict] = Counter()
    for one in labelled:
        if one.label == "right":
            place = stories.index(one.story)
            others = (stories[(place + step * _STRIDE) % len(stories)] for step in range(1, STRANGERS + 1))
            found.update(judge.judge(one.guess, secrets[story]).verdict for story in others if story != one.story)
    return {verdict: found[verdict] for verdict in LABELS}


def measure(labelled: Iterable[Labelled], judge: GuessJudge) -> Confusion:
    """Judge all of them and count."""
    found = Counter((one.label, judge.judge(one.guess, one.secret).verdict) for one in labelled)
    return Confusion({label: {verdict: found[label, verdict] for verdict in LABELS} for label in LABELS})
