"""The table of dev losses, plain beside tuned, that training and evaluating end with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from service.cli.terminal import print_json, print_table

if TYPE_CHECKING:
    from pathlib import Path

    from finetuning.losses import Loss


def print_losses(before: Loss, after: Loss, *, as_json: bool, run: Path, **more: Any) -> None:
    """Print the losses in nats a token and the perplexities, of all samples and by step; `more` is for JSON only."""
    if as_json:
        losses = {
            name: {"loss": loss.nats, "perplexity": loss.perplexity, "by_step": dict(loss.by_step)}
            for name, loss in (("before", before), ("after", after))
        }
        print_json({"run": run, **losses, **more})
        return
    steps = [(step, before.by_step[step], after.by_step[step]) for step in before.by_step]
    rows = [("all", before.nats, after.nats), *steps]
    print_table(
        ("dev loss", "plain", "tuned", "perplexity plain", "tuned"),
        [(name, f"{old:.3f}", f"{new:.3f}", _perplexity(old), _perplexity(new)) for name, old, new in rows],
    )


def _perplexity(nats: float) -> str:
    return f"{math.exp(min(nats, 700.0)):.2f}"
