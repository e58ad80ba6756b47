"""How far an experiment has come: a bar with the time left and the money spent, where a person looks."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from service.cli.hostile import clean_line
from service.cli.terminal import err

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress

    from evaluation.experiments import Standing


class Bar:
    """The bar; without a terminal it does nothing.

    Args:
        progress: Rich's, or None where no person looks.
    """

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._tasks: dict[str, int] = {}

    def runs(self, standing: Standing) -> None:
        """Show how many runs are done, and what they cost."""
        failed = f", {standing.failed} failed" if standing.failed else ""
        unpriced = f" + {standing.unpriced} unpriced" if standing.unpriced else ""
        note = f"${standing.cost_usd:.4f}{unpriced}{failed}"
        self._show("Running", standing.pipeline, standing.done, standing.total, note)

    def counts(self, what: str) -> Callable[[int, int], None]:
        """A function that shows how many of how many are done."""
        return lambda done, total: self._show(what, what, done, total, "")

    def _show(self, key: str, what: str, done: int, total: int, note: str) -> None:
        if self._progress is None:
            return
        shown = {"completed": done, "total": total, "description": clean_line(what), "note": note}
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(clean_line(what), total=total, completed=done, note=note)
        else:
            self._progress.update(self._tasks[key], **shown)  # type: ignore[arg-type]  # rich sorts them itself


@contextmanager
def progress_bar() -> Iterator[Bar]:
    """A bar while the block runs."""
    console = err()
    if not console.is_terminal:
        yield Bar(None)
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bar(progress)
