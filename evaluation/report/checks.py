"""The checks: how often each check of the gate passed, and why riddles were kept back for a person to look at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evaluation.report.numbers import span_text, value_text
from evaluation.report.text import clean_line
from evaluation.statistics import wilson

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain import Riddle
    from evaluation.report.measured import Measures
    from evaluation.results import PipelineResults


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How often one check passed for one pipeline; `share` is None where the check was never made."""

    share: float | None
    text: str
    span: str = ""
    made: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One check over all pipelines of `Measures.order`."""

    name: str
    rates: tuple[Rate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why riddles were kept back: `times` they were, and some sentences of the check."""

    check: str
    times: int
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBack:
    """What one pipeline did not publish.

    Args:
        pipeline: Its name.
        runs: All of its runs.
        needs_review: How many of them were kept back.
        failed: How many gave nothing at all.
        reasons: The most frequent first; a riddle may have several.
        errors: Why runs failed, and how many did so.
    """

    pipeline: str
    runs: int
    needs_review: int
    failed: int
    reasons: tuple[Reason, ...]
    errors: tuple[tuple[str, int], ...]


def check_rows(measures: Measures) -> tuple[CheckRow, ...]:
    """Every check that occurs, in the order in which it first does."""
    everybody = [measures.results.pipeline(name) for name in measures.order]
    names = dict.fromkeys(check.name for one in everybody for riddle in _riddles(one) for check in riddle.checks)
    return tuple(CheckRow(name=name, rates=tuple(_rate(one, name) for one in everybody)) for name in names)


def kept_back(measures: Measures) -> tuple[KeptBack, ...]:
    """What each pipeline did not publish, and why."""
    return tuple(_kept_back(one) for one in measures.pipelines)


def _rate(results: PipelineResults, name: str) -> Rate:
    verdicts = [check.passed for riddle in _riddles(results) for check in riddle.checks if check.name == name]
    if not verdicts:
        return Rate(share=None, text="not checked")
    share = sum(verdicts) / len(verdicts)
    span = wilson(sum(verdicts), len(verdicts))
    return Rate(
        share=share,
        text=value_text(share, "share"),
        span=span_text(span.low, span.high, "share"),
        made=len(verdicts),
    )


def _kept_back(results: PipelineResults) -> KeptBack:
    kept = [riddle for riddle in _riddles(results) if riddle.status == "needs_review"]
    failing = [check for riddle in kept for check in riddle.checks if not check.passed]
    times = Counter(check.name for check in failing)
    errors = Counter(clean_line(outcome.error, _LONGEST_SENTENCE) for outcome in results.outcomes if not outcome.riddle)
    return KeptBack(
        pipeline=results.pipeline,
        runs=len(results.outcomes),
        needs_review=len(kept),
        failed=results.failed,
        reasons=tuple(
            Reason(
                check=name,
                times=count,
                sentences=_frequent(check.detail for check in failing if check.name == name and check.detail),
            )
            for name, count in times.most_common()
        ),
        errors=tuple(errors.most_common(_MOST_SENTENCES)),
    )


def _frequent(sentences: Iterable[str]) -> tuple[str, ...]:
    counted = Counter(clean_line(sentence, _LONGEST_SENTENCE) for sentence in sentences)
    return tuple(sentence for sentence, _ in counted.most_common(_MOST_SENTENCES))


def _riddles(results: PipelineResults) -> list[Riddle]:
    return [outcome.riddle for outcome in results.outcomes if outcome.riddle is not None]


_MOST_SENTENCES: Final = 8
_LONGEST_SENTENCE: Final = 300
