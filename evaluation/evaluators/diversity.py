"""Evaluators of a whole set of riddles: does the pipeline always write the same?

Of a case with several repeats the first one with a riddle counts: riddles about the same article are alike anyway.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING, ClassVar, Final

from chains.words import words
from evaluation.evaluators.scoring import text_of, unscored
from evaluation.metric import Metric, Score

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evaluation.case import Case
    from evaluation.outcome import Outcome

Gram = tuple[str, ...]


def _distinct(n: int, what: str) -> Metric:
    return Metric(
        name=f"distinct{n}",
        title=f"Distinct-{n}",
        group="riddle",
        unit="share",
        better="higher",
        about=f"Different {what} of all riddles divided by all {what}.",
        blind_to="Sense. It falls as the set grows, so only sets of the same size can be compared.",
    )


@dataclass(frozen=True, slots=True)
class Distinct:
    """How varied the words of a pipeline's riddles are.

    Source: J. Li et al., "A Diversity-Promoting Objective Function for Neural Conversation Models", NAACL 2016. They
    divide by the number of words; here, as is usual since, by that of n-grams, so that 1 can be reached.
    Cannot see: sense; noise is varied. It falls as the set grows: compare sets of the same size only.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (_distinct(1, "words"), _distinct(2, "pairs of neighbouring words"))

    def __call__(self, outcomes: Sequence[Outcome], cases: Mapping[str, Case]) -> dict[str, Score]:  # noqa: ARG002
        """Score one pipeline's riddles together."""
        texts = riddles_of(outcomes)
        return {metric.name: _share_of_distinct(texts, n) for n, metric in enumerate(self.metrics, 1)}


@dataclass(frozen=True, slots=True)
class SelfBleu:
    """How much the riddles of a pipeline repeat each other: the mean BLEU-4 of each against all the others.

    Source: Y. Zhu et al., "Texygen: A Benchmarking Platform for Text Generation Models", SIGIR 2018; smoothed by adding
    0.1 to counts of nothing, method 1 of B. Chen and C. Cherry, 2014. The same as NLTK's `sentence_bleu` gives, without
    counting every text again for every other one.
    Cannot see: the same idea in other words. It grows with the set: compare sets of the same size only.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="self_bleu",
            title="Self-BLEU",
            group="riddle",
            unit="share",
            better="lower",
            about="Mean BLEU-4 of each riddle against all others of the pipeline.",
            blind_to="The same idea in other words. It grows with the set.",
        ),
    )

    def __call__(self, outcomes: Sequence[Outcome], cases: Mapping[str, Case]) -> dict[str, Score]:  # noqa: ARG002
        """Score one pipeline's riddles together."""
        texts = riddles_of(outcomes)
        if len(texts) < _FEWEST:
            return unscored(self.metrics, "there are no two riddles")
        scores = self_bleu(texts)
        return {"self_bleu": Score(sum(scores) / len(scores))}


def riddles_of(outcomes: Iterable[Outcome]) -> list[Gram]:
    """The words of the first riddle of every case, by case id."""
    first: dict[str, Gram] = {}
    for outcome in sorted(outcomes, key=lambda outcome: (outcome.case_id, outcome.repeat)):
        spoken = words(text_of(outcome))
        if spoken:
            first.setdefault(outcome.case_id, spoken)
    return list(first.values())


def self_bleu(texts: Sequence[Gram]) -> list[float]:
    """BLEU-4 of each text against all others, 0 to 1; two texts at least."""
    counts = [[Counter(_grams(text, n)) for text in texts] for n in range(1, _ORDER + 1)]
    tops = [_Tops(of_order) for of_order in counts]
    lengths = Counter(map(len, texts))
    scores = []
    for place, text in enumerate(texts):
        matched = [top.clipped(of_order[place]) for top, of_order in zip(tops, counts, strict=True)]
        scores.append(_bleu(matched, len(text), _closest(len(text), lengths)))
    return scores


class _Tops:
    """For every n-gram the highest and second highest count in any text: enough to leave one text out.

    A text's own count is the highest, or it is below it and the highest is another text's.
    """

    def __init__(self, counts: Iterable[Counter[Gram]]) -> None:
        self._first: dict[Gram, int] = {}
        self._second: dict[Gram, int] = {}
        for count in counts:
            for gram, times in count.items():
                first = self._first.get(gram, 0)
                if times > first:
                    self._first[gram], self._second[gram] = times, first
                elif times > self._second.get(gram, 0):
                    self._second[gram] = times

    def clipped(self, own: Counter[Gram]) -> int:
        """How many of a text's n-grams stand in another text, each as often as it stands in one of them."""
        return sum(
            min(times, self._second.get(gram, 0) if times == self._first[gram] else self._first[gram])
            for gram, times in own.items()
        )


def _bleu(matched: Sequence[int], length: int, reference: int) -> float:
    if matched[0] == 0:
        return 0.0
    totals = (max(1, length - n) for n in range(_ORDER))
    mean = sum(log((found or _EPSILON) / total) for found, total in zip(matched, totals, strict=True)) / _ORDER
    return exp(mean + min(0.0, 1 - reference / length))


def _closest(length: int, lengths: Counter[int]) -> int:
    """The length of another text that is nearest, the shorter of two."""
    others = (other for other, times in lengths.items() if times > (other == length))
    return min(others, key=lambda other: (abs(other - length), other))


def _share_of_distinct(texts: Sequence[Gram], n: int) -> Score:
    grams = [gram for text in texts for gram in _grams(text, n)]
    return Score(len(set(grams)) / len(grams)) if grams else Score(None, "there are no riddles long enough")


def _grams(text: Gram, n: int) -> list[Gram]:
    return [text[at : at + n] for at in range(len(text) - n + 1)]


_ORDER: Final = 4
_EPSILON: Final = 0.1
_FEWEST: Final = 2
