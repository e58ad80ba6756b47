"""What was asked for, and how an experiment begins or goes on with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING

from domain.article import content_hash
from domain.errors import InvalidInput
from evaluation.errors import ExperimentChanged
from evaluation.experiments.pool import allowed_examples
from evaluation.experiments.records import (
    differences,
    library_versions,
    machine,
    record_pipelines,
    version_changes,
)
from evaluation.manifest import DatasetRecord, Manifest
from evaluation.results import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from domain import Example
    from evaluation.datasets import Dataset
    from evaluation.experiments.folder import Experiment
    from evaluation.manifest import PoolRecord
    from prompts import Catalog

_LONGEST_STEM = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for.

    Args:
        pipelines: Names, each once.
        dataset: The cases, limited already.
        limit: How many cases were asked for; None is all.
        repeats: Runs of each pipeline over each case.
        seed: All seeds are made of this one.
        concurrency: Runs at once.
        solver: `provider:model` of the blind solver, if any.
        solver_embeddings: What the embedding solver reads with; None is what retrieval does.
        judge: `provider:model` of the judge, if any.

    Raises:
        InvalidInput: A pipeline's name is taken by the human riddles, or none is named.
    """

    pipelines: tuple[str, ...]
    dataset: Dataset
    limit: int | None = None
    repeats: int = 1
    seed: int = 0
    concurrency: int = 4
    solver: str | None = None
    solver_embeddings: str | None = None
    judge: str | None = None

    def __post_init__(self) -> None:
        if not self.pipelines:
            raise InvalidInput("pipelines", "are missing: name one or more")
        if REFERENCE in self.pipelines:
            raise InvalidInput("pipelines", f"cannot hold {REFERENCE!r}: it stands for the human riddles; rename yours")
        if not self.dataset.cases:
            raise InvalidInput("dataset", "has no case")

    def default_name(self) -> str:
        """A name that the same request always gives, so that the same command goes on with the same experiment."""
        asked = (self.dataset.name, *sorted(self.pipelines), str(self.repeats), str(self.seed))
        digest = content_hash(*asked, str(self.limit))[:6]
        name = "-".join((PurePath(self.dataset.name).stem, *self.pipelines))
        stem = re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-._")[:_LONGEST_STEM].rstrip("-._")
        return f"{stem or 'experiment'}-{digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An experiment as it will run; nothing is on the disk before `write`.

    Args:
        manifest: What it is made of.
        examples: What retrieval may show; None when the experiment has begun, and keeps those it began with.
        version_changes: Libraries of other versions than when it began.
    """

    manifest: Manifest
    examples: tuple[Example, ...] | None = None
    version_changes: tuple[str, ...] = ()

    def write(self, experiment: Experiment, request: Request) -> None:
        """Begin the experiment, or note what may change in one that has begun. Hold its lock."""
        if self.examples is not None:
            experiment.begin(self.manifest, request.dataset.cases, self.examples)
        elif self.manifest != experiment.manifest():
            experiment.write_manifest(self.manifest)


def plan(
    experiment: Experiment,
    request: Request,
    *,
    catalog: Catalog,
    stored: Iterable[Example],
    embeddings: str,
    adapters: Mapping[str, Path],
) -> Plan:
    """How a request would run as this experiment, or go on when it has begun.

    Args:
        experiment: Its folder.
        request: What was asked for.
        catalog: Where pipelines and prompts are looked up.
        stored: The user's examples; an experiment that has begun keeps those it began with.
        embeddings: Name of the embedding model; likewise.
        adapters: Files of LoRA adapters by name.

    Raises:
        ExperimentChanged: It has begun as another one.
        NotFound: No such pipeline.
        ConfigurationError: A file is broken.
    """
    if not experiment.has_begun:
        allowed = allowed_examples(stored, request.dataset.cases)
        manifest = _manifest(experiment.name, request, catalog, allowed.record(embeddings), adapters)
        return Plan(manifest=manifest, examples=allowed.examples)
    before = experiment.manifest()
    now = _manifest(experiment.name, request, catalog, before.pool, adapters)
    if told := differences(before, now):
        raise ExperimentChanged(experiment.name, told)
    manifest = replace(
        before,
        solver=now.solver,
        solver_embeddings=now.solver_embeddings,
        judge=now.judge,
        concurrency=now.concurrency,
    )
    return Plan(manifest=manifest, version_changes=tuple(version_changes(before, now)))


def _manifest(
    name: str, request: Request, catalog: Catalog, pool: PoolRecord, adapters: Mapping[str, Path]
) -> Manifest:
    pipelines, prompts = record_pipelines(catalog, request.pipelines, adapters)
    dataset = request.dataset
    return Manifest(
        experiment=name,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        dataset=DatasetRecord(
            name=dataset.name,
            hash=dataset.hash,
            case_ids=tuple(case.id for case in dataset.cases),
            available=dataset.available,
        ),
        pipelines=pipelines,
        prompts=prompts,
        pool=pool,
        repeats=request.repeats,
        seed=request.seed,
        concurrency=request.concurrency,
        solver=request.solver,
        solver_embeddings=request.solver_embeddings,
        judge=request.judge,
        versions=library_versions(),
        **machine(),
    )
