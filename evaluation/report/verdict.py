"""The verdict: the short answer in words, said only as far as the intervals show it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

from evaluation.report.measured import FEWEST_CASES
from evaluation.report.numbers import value_text

if TYPE_CHECKING:
    from evaluation.metric import Metric
    from evaluation.report.measured import Gap, Measures
    from evaluation.results import PipelineResults


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """Another pipeline.

    Args:
        name: Its name.
        gap: By how much the leader differs from it, with the interval.
        cases: On how many cases that rests.
        ahead: Whether the leader is shown to be better; else the interval has 0 in it.
    """

    name: str
    gap: str
    cases: int
    ahead: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one metric says.

    Args:
        title: The metric's.
        better: `higher` or `lower`.
        leader: The pipeline with the best mean.
        value: Its mean.
        others: The pipelines that it can be compared with, those it is ahead of first.
        untold: Pipelines with too few cases that both were scored on.
    """

    title: str
    better: str
    leader: str
    value: str
    others: tuple[Against, ...]
    untold: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """Two pipelines over all headline metrics: titles of those where one is ahead, and of those that show nothing."""

    one: str
    other: str
    one_ahead: tuple[str, ...]
    other_ahead: tuple[str, ...]
    level: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The short answer.

    Args:
        sentences: It in words.
        findings: Metric by metric.
        duels: Pair by pair, pipelines only.
        against_people: Each pipeline against the riddles that people wrote.
        comparisons: How many intervals that rests on.
    """

    sentences: tuple[str, ...]
    findings: tuple[Finding, ...]
    duels: tuple[Duel, ...]
    against_people: tuple[Duel, ...]
    comparisons: int


def verdict(measures: Measures) -> Verdict:
    """What the headline metrics say of the pipelines."""
    telling = [metric for metric in measures.headlines if metric.better != "neither"]
    findings = [found for metric in telling if (found := _finding(measures, metric))]
    duels = [_duel(measures, one, other, telling) for one, other in combinations(measures.pipelines, 2)]
    people = measures.reference
    against = [_duel(measures, one, people, telling) for one in measures.pipelines] if people else []
    return Verdict(
        sentences=_sentences(measures, duels),
        findings=tuple(findings),
        duels=tuple(duels),
        against_people=tuple(duel for duel in against if duel.one_ahead or duel.other_ahead or duel.level),
        comparisons=sum(len(duel.one_ahead) + len(duel.other_ahead) + len(duel.level) for duel in (*duels, *against)),
    )


def _finding(measures: Measures, metric: Metric) -> Finding | None:
    leader = measures.leader(metric)
    if leader is None or measures.of(leader, metric).of_set:
        return None
    gaps = [
        (other.pipeline, measures.gap(leader, other, metric)) for other in measures.pipelines if other is not leader
    ]
    others = [_against(name, gap) for name, gap in gaps if gap]
    return Finding(
        title=metric.title,
        better=metric.better,
        leader=leader.pipeline,
        value=value_text(measures.of(leader, metric).value, metric.unit),
        others=tuple(sorted(others, key=lambda other: not other.ahead)),
        untold=tuple(name for name, gap in gaps if gap is None),
    )


def _against(name: str, gap: Gap) -> Against:
    return Against(name=name, gap=gap.text, cases=gap.cases, ahead=gap.standing == "ahead")


def _duel(measures: Measures, one: PipelineResults, other: PipelineResults, metrics: list[Metric]) -> Duel:
    gaps = [gap for metric in metrics if (gap := measures.gap(one, other, metric))]

    def titles(standing: str) -> tuple[str, ...]:
        return tuple(gap.metric.title for gap in gaps if gap.standing == standing)

    return Duel(
        one=one.pipeline,
        other=other.pipeline,
        one_ahead=titles("ahead"),
        other_ahead=titles("behind"),
        level=titles("level"),
    )


def _sentences(measures: Measures, duels: list[Duel]) -> tuple[str, ...]:
    names = [one.pipeline for one in measures.pipelines]
    if len(names) < 2:  # noqa: PLR2004  # it takes two to compare
        return ("Only one pipeline ran, so there is nothing to compare.",) if names else ("No pipeline ran.",)
    if not any(duel.one_ahead or duel.other_ahead or duel.level for duel in duels):
        return (f"Nothing can be said yet: no two pipelines have scores on {FEWEST_CASES} stories or more.",)
    if not any(duel.one_ahead or duel.other_ahead for duel in duels):
        return ("No difference shown: the interval of every difference between two pipelines has 0 in it.",)
    return (_first_sentence(measures, duels), *map(_sentence, duels))


def _first_sentence(measures: Measures, duels: list[Duel]) -> str:
    first = _unbeaten(measures, duels)
    if first:
        return f"{first} is ahead of every other pipeline on at least one headline metric and behind on none."
    quality = [metric for metric in measures.headlines if metric.better != "neither" and metric.unit not in _TAKES]
    best = _unbeaten(measures, [_duel(measures, *pair, quality) for pair in combinations(measures.pipelines, 2)])
    if best:
        return (
            f"In quality, {best} is ahead of every other pipeline on at least one headline metric and behind on none, "
            "but not in time and cost."
        )
    return "No pipeline is ahead of all others: which one fits depends on which metric matters."


def _unbeaten(measures: Measures, duels: list[Duel]) -> str | None:
    """The pipeline that is ahead of every other one on something and behind on nothing, if there is one."""
    for one in measures.pipelines:
        name = one.pipeline
        mine = [
            (duel.one_ahead, duel.other_ahead) if duel.one == name else (duel.other_ahead, duel.one_ahead)
            for duel in duels
            if name in {duel.one, duel.other}
        ]
        if all(won and not lost for won, lost in mine):
            return name
    return None


def _sentence(duel: Duel) -> str:
    one, other, won, lost = duel.one, duel.other, duel.one_ahead, duel.other_ahead
    if len(lost) > len(won):
        one, other, won, lost = other, one, lost, won
    every = len(won) + len(lost) + len(duel.level)
    if not every:
        return f"Too few stories are scored for both {one} and {other} to compare them."
    metrics = "headline metric" if every == 1 else "headline metrics"
    if not won:
        return f"No difference shown between {one} and {other} on {every} {metrics}."
    parts = [f"{one} is ahead of {other} on {len(won)} of {every} {metrics}"]
    if lost:
        parts.append(f"behind on {len(lost)} ({', '.join(lost)})")
    if duel.level:
        parts.append(f"no difference shown on {len(duel.level)}")
    return f"{', '.join(parts)}."


_TAKES: Final = frozenset({"ms", "usd", "tokens"})
"""Units of what a riddle takes; everything else is about what it gives."""
