"""What all evaluators do alike: say why there is no score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluation.metric import Score

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain import Riddle
    from evaluation.metric import Metric
    from evaluation.outcome import Outcome

FAILED: Final = "the run failed"
NO_RIDDLE: Final = "there is no riddle text"
NO_SUMMARY: Final = "there is no summary"
BY_PEOPLE: Final = "written by a person, not run"


def unscored(metrics: Iterable[Metric], reason: str) -> dict[str, Score]:
    """No value for any of the metrics, and why."""
    return {metric.name: Score(None, reason) for metric in metrics}


def given(outcome: Outcome) -> Riddle | None:
    """What the pipeline gave; None when the run failed."""
    return None if outcome.error else outcome.riddle


def why_no_text(outcome: Outcome) -> str:
    """Why an outcome has no riddle text to look at; empty when it has."""
    riddle = given(outcome)
    if riddle is None:
        return FAILED
    return "" if riddle.riddle and riddle.riddle.strip() else NO_RIDDLE


def why_no_summary(outcome: Outcome) -> str:
    """Why an outcome has no summary to look at; empty when it has."""
    riddle = given(outcome)
    if riddle is None:
        return FAILED
    return "" if riddle.summary and riddle.summary.strip() else NO_SUMMARY


def text_of(outcome: Outcome) -> str:
    """The riddle's text, as much of it as is looked at; empty when there is none."""
    riddle = given(outcome)
    return (riddle.riddle or "")[:_LONGEST_RIDDLE] if riddle else ""


def summary_of(outcome: Outcome) -> str:
    """The summary, as much of it as is looked at; empty when there is none."""
    riddle = given(outcome)
    return (riddle.summary or "")[:_LONGEST_SUMMARY] if riddle else ""


_LONGEST_RIDDLE: Final = 2_000
_LONGEST_SUMMARY: Final = 4_000
"""Characters, as the gate clips them: a model that rambles must not cost time."""
