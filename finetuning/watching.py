"""What happens around the steps of a training run: telling how far it is, and ending it by time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from finetuning.training import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from finetuning.pacing import Clock


class Watch(TrainerCallback):  # type: ignore[misc]  # transformers is not typed here
    """Tells how far it is, keeps the time over a resume, and ends the run when its time is over."""

    def __init__(self, clock: Clock, total: int, on_progress: Callable[[Progress], None] | None) -> None:
        self._clock = clock
        self._total = total
        self._tell = on_progress
        self._loss: float | None = None
        self._dev_loss: float | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 -- their signature
        path = _seconds_file(args, state)
        self._clock.start(float(path.read_text()) if path.is_file() else 0.0)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 -- their signature
        _seconds_file(args, state).write_text(str(self._clock.seconds))

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ARG002
        self._loss = (logs or {}).get("loss", self._loss)
        self._dev_loss = (logs or {}).get("eval_loss", self._dev_loss)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:  # noqa: ARG002 -- their signature
        done = min(max(state.global_step / self._total, self._clock.done), 1.0)
        if self._clock.done >= 1:
            control.should_evaluate = control.should_save = control.should_training_stop = True
        if self._tell:
            self._tell(Progress(done=done, step=state.global_step, loss=self._loss, dev_loss=self._dev_loss))
        return control


def _seconds_file(args: Any, state: Any) -> Path:
    return Path(args.output_dir, f"checkpoint-{state.global_step}", "seconds.txt")
