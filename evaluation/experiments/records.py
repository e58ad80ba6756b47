"""Writes down what an experiment is made of, and tells what has changed since."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from chains.models.adapters import adapters_of
from domain.article import content_hash
from evaluation.manifest import PipelineRecord, PromptRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from evaluation.manifest import Manifest
    from prompts import Catalog, PipelineSpec

_LIBRARIES = (
    "riddlewire",
    "langchain",
    "langchain-core",
    "langchain-openai",
    "openai",
    "xllamacpp",
    "transformers",
    "tokenizers",
    "torch",
    "peft",
    "wordllama",
    "chromadb",
    "numpy",
    "rouge-score",
    "pronouncing",
    "scipy",
)
_UNSEEN = ("description", "content_hash", "source", "path")


def record_pipelines(
    catalog: Catalog, names: Iterable[str], adapters: Mapping[str, Path]
) -> tuple[tuple[PipelineRecord, ...], tuple[PromptRecord, ...]]:
    """Pipelines as they stand now, with all their prompts.

    Args:
        catalog: Where they are looked up; a `StillCatalog`, so that it is these that run.
        names: Of the pipelines.
        adapters: The operator's LoRA adapters by the name that pipelines give them; those that ship are known.

    Raises:
        NotFound: No such pipeline, or it names a prompt that is not there.
        ConfigurationError: A file is broken.
    """
    specs = [catalog.pipeline(name) for name in names]
    prompts = {
        prompt.ref: PromptRecord(
            ref=prompt.ref, hash=prompt.content_hash, text=prompt.path.read_text(encoding="utf-8", errors="replace")
        )
        for spec in specs
        for prompt in (catalog.prompt(step.prompt) for step in spec.steps)
    }
    return tuple(_record(catalog, spec, adapters) for spec in specs), tuple(prompts[ref] for ref in sorted(prompts))


def _record(catalog: Catalog, spec: PipelineSpec, adapters: Mapping[str, Path]) -> PipelineRecord:
    recipe = {name: value for name, value in asdict(spec).items() if name not in _UNSEEN}
    prompts = [catalog.prompt(step.prompt) for step in spec.steps]
    models = (model for step in spec.steps for model in (step.model, *step.fallbacks))
    recipe = json.loads(json.dumps({**recipe, "adapters": _weights(spec, adapters)}))
    return PipelineRecord(
        name=spec.name,
        option=spec.option,
        description=spec.description,
        hash=content_hash(json.dumps(recipe, sort_keys=True), *(prompt.content_hash for prompt in prompts)),
        prompts=tuple(dict.fromkeys(prompt.ref for prompt in prompts)),
        models=tuple(dict.fromkeys(models)),
        gate=recipe["gate"],
        spec=recipe,
    )


def _weights(spec: PipelineSpec, configured: Mapping[str, Path]) -> dict[str, str]:
    """Hashes of the adapters that a pipeline's steps ask for, by name."""
    found = {}
    for step in spec.steps:
        name = step.settings.extra.get("adapter")
        path = adapters_of(step.model.partition(":")[2], configured).get(str(name))
        if name and path is not None:
            found[str(name)] = _file_hash(path)
    return dict(sorted(found.items()))


def _file_hash(path: Path) -> str:
    import hashlib

    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return "missing"  # the model says so, in its own words, when it is opened


def library_versions() -> dict[str, str]:
    """Versions of Riddlewire and of what decides, beside it, what comes out; those that are not installed are left out.

    A run without a package installed (`riddlewire` from a checkout) leaves that one out too.
    """
    found: dict[str, str] = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """What the manifest says of Python and the machine."""
    return {"python": platform.python_version(), "platform": platform.platform()}


def differences(before: Manifest, now: Manifest) -> list[str]:
    """Why `now` is another experiment than `before`, as parts of a sentence; empty when it is the same.

    Solver, judge and concurrency may change: they do not touch what is done already.
    """
    told = []
    if before.dataset.hash != now.dataset.hash:
        was, new = before.dataset, now.dataset
        sizes = f" ({was.name}, {len(was.case_ids)} cases; now {new.name}, {len(new.case_ids)})"
        told.append(f"the dataset changed{sizes}")
    old = {pipeline.name: pipeline for pipeline in before.pipelines}
    new_names = [pipeline.name for pipeline in now.pipelines]
    if sorted(old) != sorted(new_names):
        told.append(f"the pipelines changed from {', '.join(old)} to {', '.join(new_names)}")
    told += [_pipeline_difference(old[one.name], one, before, now) for one in now.pipelines if _differs(old, one)]
    for name in ("repeats", "seed"):
        if getattr(before, name) != getattr(now, name):
            told.append(f"{name} changed from {getattr(before, name)} to {getattr(now, name)}")
    return told


def _differs(old: Mapping[str, PipelineRecord], one: PipelineRecord) -> bool:
    return one.name in old and old[one.name].hash != one.hash


def _pipeline_difference(was: PipelineRecord, one: PipelineRecord, before: Manifest, now: Manifest) -> str:
    hashes = {prompt.ref: prompt.hash for prompt in before.prompts}
    changed = [
        prompt.ref for prompt in now.prompts if prompt.ref in one.prompts and hashes.get(prompt.ref) != prompt.hash
    ]
    because = f" (prompts {', '.join(was.prompts)}; now {', '.join(one.prompts)})" if changed else ""
    return f"pipeline {one.name!r} changed{because}"


def version_changes(before: Manifest, now: Manifest) -> list[str]:
    """Libraries of other versions than before, such as `openai 3.57 (was 3.56)`: worth a note, and no refusal."""
    names = sorted(before.versions.keys() | now.versions.keys())
    return [
        f"{name} {now.versions.get(name, 'gone')} (was {before.versions.get(name, 'not there')})"
        for name in names
        if before.versions.get(name) != now.versions.get(name)
    ]
