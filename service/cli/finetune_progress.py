"""A training run, shown while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.cli.terminal import err, note

if TYPE_CHECKING:
    from finetuning.training import Progress, Trained


def training_shown(samples: Any, **options: Any) -> Trained:
    """Train with a progress bar on a terminal, and with a line for each tenth of the run elsewhere."""
    from finetuning.training import train

    if not err().is_terminal:
        return train(samples, on_progress=_Lines().tell, say=note, **options)
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err(), transient=True) as bar:
        task = bar.add_task("Loading …", total=1.0)

        def tell(progress: Any) -> None:
            bar.update(task, completed=progress.done, description=_told(progress))

        return train(samples, on_progress=tell, say=lambda text: bar.update(task, description=text), **options)


class _Lines:
    def __init__(self) -> None:
        self._tenths = -1

    def tell(self, progress: Progress) -> None:
        tenths = int(progress.done * 10)
        if tenths > self._tenths:
            self._tenths = tenths
            note(f"{progress.done:4.0%}  {_told(progress)}")


def _told(progress: Progress) -> str:
    losses = (("loss", progress.loss), ("dev loss", progress.dev_loss))
    return ", ".join([f"update {progress.step}", *(f"{name} {loss:.3f}" for name, loss in losses if loss is not None)])
