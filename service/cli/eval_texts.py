"""What two pipelines made of the same cases, side by side where the terminal is wide enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.columns import Columns
from rich.panel import Panel
from rich.text import Text

from service.cli.hostile import clean, clean_line
from service.cli.terminal import out, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evaluation.case import Case
    from evaluation.comparison import Comparison
    from evaluation.outcome import Outcome
    from evaluation.results import PipelineResults

_COLUMN_WIDTH = 56


def print_texts(comparison: Comparison, cases: Mapping[str, Case], case_ids: Iterable[str]) -> None:
    """Print the first runs of these cases, and the human riddle's answer where there is one."""
    for case_id in case_ids:
        case = cases[case_id]
        say()
        say(f"{case_id}: {clean_line(case.article.title or case.article.text[:80])}", "bold magenta")
        if case.answer:
            say(f"Reference answer: {clean_line(case.answer)}", "dim")
        _print_pair([(side, _first_run(side, case_id)) for side in (comparison.first, comparison.second)])


def _print_pair(sides: list[tuple[PipelineResults, Outcome]]) -> None:
    if out().is_terminal:
        width = min(_COLUMN_WIDTH, max(30, out().width // 2 - 1))
        out().print(Columns([Panel(_body(made), title=Text(side.pipeline), width=width) for side, made in sides]))
        return
    for side, made in sides:
        say(f"== {side.pipeline}")
        out().print(_body(made), soft_wrap=True)


def _first_run(results: PipelineResults, case_id: str) -> Outcome:
    return min((one for one in results.outcomes if one.case_id == case_id), key=lambda one: one.repeat)


def _body(outcome: Outcome) -> Text:
    riddle = outcome.riddle
    if riddle is None:
        return Text(clean_line(outcome.error), "red")
    refused = ", ".join(check.name for check in riddle.checks if not check.passed)
    verdict = Text(f"\nrefused by {refused}", "yellow") if refused else Text("")
    hints = "".join(f"\nHint: {clean_line(hint)}" for hint in riddle.hints)
    return Text.assemble(
        (clean(riddle.riddle or "no riddle"), "bold"),
        f"\nAnswer: {clean_line(riddle.answer or '-')}{hints}",
        (f"\nSummary: {clean_line(riddle.summary or '-')}", "dim"),
        verdict,
    )
