"""How to run an experiment again: the command, as a shell reads it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evaluation.manifest import Manifest


def replay_command(manifest: Manifest) -> str:
    """The command that runs the same pipelines over the same cases with the same seeds, as an experiment of its own."""
    words = [
        *("riddlewire", "eval", "run"),
        *("--pipelines", ",".join(record.name for record in manifest.pipelines)),
        *("--dataset", manifest.dataset.name),
        *("--repeats", str(manifest.repeats), "--seed", str(manifest.seed)),
    ]
    if len(manifest.dataset.case_ids) < manifest.dataset.available:
        words += ["--limit", str(len(manifest.dataset.case_ids))]
    if manifest.solver:
        words += ["--solver", manifest.solver]
    if manifest.solver_embeddings:
        words += ["--solver-embeddings", manifest.solver_embeddings]
    if manifest.judge:
        words += ["--judge", manifest.judge]
    words += ["--concurrency", str(manifest.concurrency), "--name", f"{manifest.experiment}-again"]
    return shlex.join(words)
