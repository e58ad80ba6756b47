"""`riddlewire finetune prepare` and `train`: a training set, and an adapter that learned from it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from finetuning.settings import TrainingSettings
from service.cli.finetune_data import base_models_of
from service.cli.finetune_losses import print_losses
from service.cli.options import AsJson
from service.cli.terminal import note, print_json, say

if TYPE_CHECKING:
    from finetuning.training import Trained

_BASE = "smollm2-135m-instruct"
_DEFAULTS = TrainingSettings()
_SHOTS = 1
_SHARE = 0.5

Base = Annotated[
    str, typer.Option(help="Folder, Hugging Face id, .gguf file, or smollm2-135m-instruct.", metavar="MODEL")
]
Pipeline = Annotated[str, typer.Option("--pipeline", "-p", help="Whose prompts are trained.")]
Shots = Annotated[int, typer.Option(min=0, max=8, help="Show so many retrieved examples in the riddle's prompts.")]
Share = Annotated[float, typer.Option(min=0, max=1, help="Of the samples, how many show them.")]


def prepare(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Option("--output", "-o", help="Where train.jsonl, dev.jsonl and DATA.md go.")],
    *,
    pipeline: Pipeline = "embedded",
    shots: Shots = _SHOTS,
    share: Share = _SHARE,
    as_json: AsJson = False,
) -> None:
    """Make a training set of the example store: a pipeline's own prompts with the answers people wrote.

    Split by the hash of the article, deduplicated, without what the gate refuses; DATA.md tells all of it.

    Example: `riddlewire finetune prepare -o data`
    """
    from service.cli.finetune_data import write_training_set

    made = write_training_set(ctx, folder, pipeline=pipeline, shots=shots, share=share)
    counts = {split: len(made.of(split)) for split in ("train", "dev")} | {"left_out": len(made.left_out)}
    if as_json:
        print_json({"folder": folder, **counts})
        return
    say(f"{counts['train']} samples to train on and {counts['dev']} to measure with in {folder}")
    say(f"{counts['left_out']} examples left out; see {folder / 'DATA.md'}")


def train(
    ctx: typer.Context,
    run: Annotated[Path, typer.Option("--output", "-o", help="Folder of this run.")],
    *,
    data: Annotated[
        Path | None, typer.Option(help="Folder that `finetune prepare` wrote; without it, one is made first.")
    ] = None,
    base: Base = _BASE,
    pipeline: Pipeline = "embedded",
    shots: Shots = _SHOTS,
    share: Share = _SHARE,
    rank: Annotated[int, typer.Option(min=1, max=1024, help="Of the LoRA matrices.")] = _DEFAULTS.rank,
    alpha: Annotated[int | None, typer.Option(min=1, help="Scale of the update; by default twice the rank.")] = None,
    dropout: Annotated[float, typer.Option(min=0, max=0.9, help="Of the adapter's inputs.")] = _DEFAULTS.dropout,
    targets: Annotated[str, typer.Option(help="Modules, joined by commas.")] = _DEFAULTS.targets,
    learning_rate: Annotated[
        float, typer.Option("--learning-rate", "--lr", min=0, help="The highest.")
    ] = _DEFAULTS.learning_rate,
    schedule: Annotated[str, typer.Option(help="cosine or linear, down to 0.")] = _DEFAULTS.schedule,
    warmup: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of the run in which the rate rises.")
    ] = _DEFAULTS.warmup,
    epochs: Annotated[float, typer.Option(min=0.01, help="Passes over the samples.")] = _DEFAULTS.epochs,
    max_steps: Annotated[int | None, typer.Option(min=1, help="End after so many updates.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="End after so long.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Samples of one update.")] = _DEFAULTS.batch_size,
    micro_batch_size: Annotated[
        int, typer.Option(min=1, help="Samples computed at once; an update has several.")
    ] = _DEFAULTS.micro_batch_size,
    max_length: Annotated[
        int, typer.Option(min=16, help="Tokens; longer samples are left out.")
    ] = _DEFAULTS.max_length,
    evaluations: Annotated[
        int, typer.Option(min=1, help="Measurements of the dev loss, spread over the run.")
    ] = _DEFAULTS.evaluations,
    patience: Annotated[
        int, typer.Option(min=0, help="End after so many without a better one; 0 never.")
    ] = _DEFAULTS.patience,
    seed: Annotated[int, typer.Option(help="Of initialisation, order and dropout.")] = _DEFAULTS.seed,
    precision: Annotated[str, typer.Option(help="auto, bf16 or fp32.")] = _DEFAULTS.precision,
    threads: Annotated[int, typer.Option(min=0, help="0 leaves it to torch.")] = _DEFAULTS.threads,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint of this run.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a LoRA adapter; keeps the state with the least loss on the dev split. Uses a GPU when there is one.

    Examples:
    - `riddlewire finetune train -o runs/first`
    - `riddlewire finetune train -o runs/quick --rank 8 --minutes 10`
    - `riddlewire finetune train -o runs/first --resume`
    """
    from finetuning.base_model import need_packages
    from service.cli.finetune_data import read_data, write_training_set
    from service.cli.finetune_progress import training_shown

    need_packages()
    _one_of("--schedule", schedule, "cosine", "linear")
    _one_of("--precision", precision, "auto", "bf16", "fp32")
    settings = TrainingSettings(
        rank=rank,
        alpha=alpha or 2 * rank,
        dropout=dropout,
        targets=targets,
        learning_rate=learning_rate,
        schedule=schedule,  # type: ignore[arg-type]  # checked above
        warmup=warmup,
        epochs=epochs,
        max_steps=max_steps,
        minutes=minutes,
        batch_size=batch_size,
        micro_batch_size=micro_batch_size,
        max_length=max_length,
        evaluations=evaluations,
        patience=patience,
        seed=seed,
        precision=precision,  # type: ignore[arg-type]  # checked above
        threads=threads,
    )
    if data is None:
        data = run / "data"
        if not (resume and data.is_dir()):
            write_training_set(ctx, data, pipeline=pipeline, shots=shots, share=share)
    trained = training_shown(
        read_data(data), base=base, folder=run, cache=base_models_of(ctx), settings=settings, resume=resume
    )
    _draw(trained)
    print_losses(trained.before, trained.after, as_json=as_json, run=run, seconds=trained.seconds)


def _one_of(option: str, value: str, *allowed: str) -> None:
    if value not in allowed:
        raise typer.BadParameter(f"{option} is one of {', '.join(allowed)}, not {value!r}.")


def _draw(trained: "Trained") -> None:
    from domain.errors import MissingExtra
    from finetuning.curves import draw_curves

    try:
        draw_curves(trained.history, trained.folder / "loss.svg", before=trained.before.nats)
    except MissingExtra as error:
        note(str(error))
