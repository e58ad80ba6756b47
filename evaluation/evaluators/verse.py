"""Evaluators of rhyme and metre, by the CMU Pronouncing Dictionary. English only: other words are not in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, ClassVar, Final

from chains.words import plain
from evaluation.evaluators.extras import pronunciations
from evaluation.evaluators.scoring import text_of, unscored, why_no_text
from evaluation.metric import Metric, Score

if TYPE_CHECKING:
    from evaluation.case import Case
    from evaluation.evaluators.pool import Pool
    from evaluation.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Rhyme:
    """How many lines rhyme with a line near by.

    A line rhymes when the last word of another one, at most `reach` lines away, is another word that sounds the same
    from its last stressed vowel on. So couplets (AABB), alternating (ABAB) and embracing (ABBA) rhymes all give 1, a
    ballad's stanza (ABCB) gives 0.5. Of several pronunciations any will do. A line that ends in a word which the
    dictionary does not know leaves the whole riddle unscored.

    Source: perfect rhyme as in S. Reddy and K. Knight, "Unsupervised Discovery of Rhyme Schemes", ACL 2011; phones of
    the CMU Pronouncing Dictionary (American English) by `pronouncing`.
    Cannot see: half rhymes, rhymes inside a line, British ones (`bath` and `hearth`). A riddle need not rhyme, and the
    closing question (`What was it?`), which seldom does, counts as a line.

    Args:
        reach: Lines between which a rhyme is still heard.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="rhyme",
            title="Rhyming lines",
            group="riddle",
            unit="share",
            better="higher",
            about="Share of lines whose last word rhymes with that of a line at most three lines away.",
            blind_to="Half rhymes, rhymes inside a line, and whether rhyme is wanted.",
        ),
    )

    reach: int = 3

    def __call__(self, outcome: Outcome, case: Case, pool: Pool) -> dict[str, Score]:  # noqa: ARG002  # one signature
        """Score the line ends."""
        reason = why_no_text(outcome)
        if reason:
            return unscored(self.metrics, reason)
        ends = [line[-1] for line in _lines(text_of(outcome))]
        if len(ends) < _FEWEST:
            return unscored(self.metrics, "there are no two lines")
        unknown = sorted({word for word in ends if not _sounds(word)})
        if unknown:
            return unscored(self.metrics, f"not in the dictionary: {', '.join(unknown)[:_LONGEST_LIST]}")
        pairs = [pair for pair in combinations(range(len(ends)), 2) if pair[1] - pair[0] <= self.reach]
        rhyming = {place for pair in pairs if _rhyme(ends[pair[0]], ends[pair[1]]) for place in pair}
        return {"rhyme": Score(len(rhyming) / len(ends))}


@dataclass(frozen=True, slots=True)
class Metre:
    """How even the lines are: 1 when all have the same number of syllables.

    One less the coefficient of variation (standard deviation over mean) of the syllables of a line, not below 0. Lines
    with a word that the dictionary does not know are left out; with fewer than two others there is no score.

    Source: isosyllabism, the simplest notion of metre; the measure is ours. Syllables by the CMU dictionary.
    Cannot see: stress, so neither iambs nor dactyls. Prose cut into lines of equal length is even, and a short closing
    question makes good verse look uneven: of use for comparing pipelines, not for judging one riddle.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="metre",
            title="Evenness of lines",
            group="riddle",
            unit="share",
            better="higher",
            about="One less the coefficient of variation of syllables per line.",
            blind_to="Where the stress falls.",
        ),
    )

    def __call__(self, outcome: Outcome, case: Case, pool: Pool) -> dict[str, Score]:  # noqa: ARG002  # one signature
        """Score the lengths of the lines."""
        reason = why_no_text(outcome)
        if reason:
            return unscored(self.metrics, reason)
        lines = _lines(text_of(outcome))
        counts = [sum(map(_syllables, line)) for line in lines if all(map(_sounds, line))]
        if len(counts) < _FEWEST:
            return unscored(self.metrics, "there are no two lines whose words are all in the dictionary")
        left_out = len(lines) - len(counts)
        reason = f"{left_out} of {len(lines)} lines left out: words not in the dictionary" if left_out else ""
        return {"metre": Score(max(0.0, 1 - pstdev(counts) / fmean(counts)), reason)}


def _lines(text: str) -> list[list[str]]:
    """The words of each line that has any, in lower case."""
    found = (_WORD.findall(plain(line).lower()) for line in text.splitlines())
    return [line for line in found if line]


def _sounds(word: str) -> tuple[str, ...]:
    """How a word is said; for a possessive that is not in the dictionary, the word without it."""
    return pronunciations(word) or (pronunciations(word[:-2]) if word.endswith("'s") else ())


def _syllables(word: str) -> int:
    """Of the first pronunciation; only vowels carry a stress digit. A possessive after a sibilant has one more."""
    said = _sounds(word)[0]
    added = word.endswith("'s") and not pronunciations(word) and said.split()[-1] in _SIBILANTS
    return sum(char.isdigit() for char in said) + added


def _rhyme(one: str, other: str) -> bool:
    return one != other and not _endings(one).isdisjoint(_endings(other))


def _endings(word: str) -> frozenset[str]:
    """From the last stressed vowel on, in each pronunciation, without stress digits."""
    return frozenset(_DIGIT.sub("", _ending(said.split())) + _possessive(word, said) for said in _sounds(word))


def _ending(phones: list[str]) -> str:
    stressed = [place for place, phone in enumerate(phones) if phone[-1] in "12"]
    vowels = stressed or [place for place, phone in enumerate(phones) if phone[-1] == "0"]
    return " ".join(phones[vowels[-1] :]) if vowels else " ".join(phones)


def _possessive(word: str, said: str) -> str:
    if not word.endswith("'s") or pronunciations(word):
        return ""
    last = said.rsplit(maxsplit=1)[-1]
    if last in _SIBILANTS:
        return " AH Z"
    return " S" if last in _VOICELESS else " Z"


_WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_DIGIT: Final = re.compile(r"\d")
_SIBILANTS: Final = frozenset({"S", "Z", "SH", "ZH", "CH", "JH"})
_VOICELESS: Final = frozenset({"P", "T", "K", "F", "TH"})
_FEWEST: Final = 2
_LONGEST_LIST: Final = 80
