"""Loss curves as a picture."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from domain.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


def draw_curves(
    history: Iterable[Mapping[str, float]], target: Path, *, before: float | None = None, title: str = ""
) -> Path:
    """Draw training and dev loss over updates, as SVG or PNG by the file's ending.

    Args:
        history: Of `Trained`.
        target: The file.
        before: Dev loss of the plain model, drawn at update 0.
        title: Over the picture.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtra("a picture of the loss curves", "eval")
    from matplotlib.figure import Figure

    entries = list(history)
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    _plot(axes, [(entry["step"], entry["loss"]) for entry in entries if "loss" in entry], "training", "-")
    first = [(0.0, before)] if before is not None else []
    measured = [(entry["step"], entry["dev_loss"]) for entry in entries if "dev_loss" in entry]
    _plot(axes, [*first, *measured], "dev", "o-")
    for name, label in (("dev_summarize", "dev, summaries"), ("dev_riddle", "dev, riddles")):
        _plot(axes, [(entry["step"], entry[name]) for entry in entries if name in entry], label, ".--")
    axes.set(xlabel="updates", ylabel="loss, nats a token", title=title)
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    figure.savefig(target, dpi=144)
    return target


def _plot(axes: object, points: Sequence[tuple[float, float]], label: str, style: str) -> None:
    if points:
        axes.plot(*zip(*points, strict=True), style, label=label)  # type: ignore[attr-defined]
