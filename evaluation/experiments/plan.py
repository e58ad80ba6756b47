"""The plan: which runs an experiment consists of, in which order and with which seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domain.article import content_hash

if TYPE_CHECKING:
    from collections.abc import Container

    from evaluation.manifest import Manifest
    from evaluation.outcome import Outcome

_SEEDS = 2**31 - 1
"""Seeds fit a signed 32-bit number, as providers want them."""


class Key(NamedTuple):
    """What a run is known by."""

    pipeline: str
    case_id: str
    repeat: int


def key_of(outcome: Outcome) -> Key:
    """The key of the run that an outcome came of."""
    return Key(outcome.pipeline, outcome.case_id, outcome.repeat)


def seed_of(base: int, case_id: str, repeat: int) -> int:
    """The seed of a run: another one for each case and repeat, and the same for all pipelines, which pairs them."""
    return int(content_hash("seed", str(base), case_id, str(repeat))[:8], 16) % _SEEDS


def runs_of(manifest: Manifest, *, without: Container[Key] = ()) -> list[Key]:
    """All runs but those that are done already.

    Pipelines come one after another, because models in this process would slow each other and be measured slower than
    they are. Repeats come last within a pipeline: what is interrupted early has every case once.
    """
    return [
        key
        for pipeline in manifest.pipelines
        for repeat in range(manifest.repeats)
        for case_id in manifest.dataset.case_ids
        if (key := Key(pipeline.name, case_id, repeat)) not in without
    ]
