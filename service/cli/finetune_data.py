"""Training sets on disk, as the commands of `riddlewire finetune` share them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from domain.errors import NotFound
from service.cli.options import settings_of
from service.cli.running import run as run_to_end

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import typer

    from domain import Example
    from finetuning.preparing import TrainingSet
    from finetuning.sample import Sample
    from prompts import RetrievalSpec
    from retrievers import Examples
    from service.resources import Resources

SPLITS = ("train", "dev")


def write_training_set(
    ctx: typer.Context, folder: Path, *, pipeline: str, shots: int = 0, share: float = 1.0
) -> TrainingSet:
    """Make `train.jsonl`, `dev.jsonl` and `DATA.md` of the example store.

    Args:
        ctx: The running command's.
        folder: Where to.
        pipeline: Whose prompts are rendered.
        shots: How many retrieved examples to show.
        share: Of the samples, how many show them; chosen by hash.
    """
    return run_to_end(_write(ctx, folder, pipeline, shots, share))


def read_data(folder: Path) -> list[Sample]:
    """The samples of both splits.

    Raises:
        NotFound: There is no training set in the folder.
        NotATrainingSet: A line of it cannot be used.
    """
    from finetuning.sample import read_samples

    files = [folder / f"{split}.jsonl" for split in SPLITS]
    for file in files:
        if not file.is_file():
            raise NotFound("training set", str(file))
    return [sample for file in files for sample in read_samples(file)]


def base_models_of(ctx: typer.Context) -> Path:
    """Where base models are kept that had to be dequantised first."""
    return settings_of(ctx).home / "base-models"


def base_of(run: Path) -> str:
    """The model that a run tuned.

    Raises:
        NotFound: The folder holds no finished run.
    """
    from finetuning.training import REPORT

    report = run / REPORT
    if not report.is_file():
        raise NotFound("finished training run", str(run))
    return str(json.loads(report.read_text(encoding="utf-8"))["base"])


async def _write(ctx: typer.Context, folder: Path, pipeline: str, shots: int, share: float) -> TrainingSet:
    from service.cli.local import opened

    async with opened(ctx) as resources:
        return _written(resources, folder, pipeline, shots, share)


def _written(resources: Resources, folder: Path, pipeline: str, shots: int, share: float) -> TrainingSet:
    from finetuning.data_card import data_card
    from finetuning.preparing import STEPS, prepare
    from finetuning.sample import write_samples

    recipe = resources.pipeline(pipeline).recipe()
    store = resources.examples
    made = prepare(
        store.store.export(), recipe, shots=_shown(store, recipe.spec.retrieval, shots, share) if shots else None
    )
    folder.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        write_samples(folder / f"{split}.jsonl", made.of(split))
    prompts = [step.prompt.ref for step in recipe.steps if step.spec.step in STEPS]
    (folder / "DATA.md").write_text(data_card(made, pipeline=pipeline, prompts=prompts), encoding="utf-8")
    return made


def _shown(
    store: Examples, spec: RetrievalSpec | None, shots: int, share: float
) -> Callable[[Example], Sequence[Example]]:
    """The retrieved examples of each; none of the dev split, which is kept for measuring."""
    from dataclasses import replace

    from domain import Article
    from prompts import RetrievalSpec
    from retrievers.splits import split_of

    wanted = replace(spec or RetrievalSpec(k=shots), k=3 * shots)

    def shown(example: Example) -> Sequence[Example]:
        if int(example.content_hash[:8], 16) >= share * 16**8:
            return ()
        selection = store.select(Article(text=example.article, title=example.headline or None), wanted)
        allowed = [each.example for each in selection.examples if split_of(each.example) == "train"]
        return allowed[-shots:]

    return shown
