"""`riddlewire finetune`: a training set, an adapter, what it changed, and where it goes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finetuning.settings import TrainingSettings
from service.cli.options import settings_of
from service.cli.terminal import note, print_json, print_table, say

if TYPE_CHECKING:
    from finetuning.losses import Loss
    from finetuning.training import Trained

app = typer.Typer(no_args_is_help=True, help="Do it yourself: train an adapter on the pre-made examples and use it.")

_BASE = "smollm2-135m-instruct"
_DEFAULTS = TrainingSettings()
_SHOTS = 1
_SHARE = 0.5

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Base = Annotated[
    str, typer.Option(help="Folder, Hugging Face id, .gguf file, or smollm2-135m-instruct.", metavar="MODEL")
]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `finetune train` wrote.")]
Pipeline = Annotated[str, typer.Option("--pipeline", "-p", help="Whose prompts are trained.")]
Shots = Annotated[int, typer.Option(min=0, max=8, help="Show so many retrieved examples in the riddle's prompts.")]
Share = Annotated[float, typer.Option(min=0, max=1, help="Of the samples, how many show them.")]


@app.command()
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


@app.command()
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
        read_data(data), base=base, folder=run, cache=_cache(ctx), settings=settings, resume=resume
    )
    _draw(trained)
    _print_losses(trained.before, trained.after, as_json=as_json, run=run, seconds=trained.seconds)


@app.command()
def evaluate(
    ctx: typer.Context,
    run: Run,
    *,
    data: Annotated[Path | None, typer.Option(help="Another training set's folder; its dev split is measured.")] = None,
    base: Annotated[str | None, typer.Option(help="By default the run's own.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure loss and perplexity on the dev split, with the adapter and without.

    What readers would see is measured by `riddlewire eval run`, with a pipeline that names the adapter.

    Example: `riddlewire finetune evaluate runs/first`
    """
    from finetuning.evaluating import evaluate as measure_both
    from finetuning.training import ADAPTER
    from service.cli.finetune_data import base_of, read_data

    found = measure_both(
        read_data(data or run / "data"),
        run / ADAPTER,
        base=base or base_of(run),
        cache=_cache(ctx),
        say=note,
    )
    _print_losses(found.before, found.after, as_json=as_json, run=run)


@app.command()
def export(
    ctx: typer.Context,
    run: Run,
    *,
    gguf: Annotated[Path | None, typer.Option(help="Write a GGUF adapter for the embedded engine.")] = None,
    full: Annotated[bool, typer.Option("--full", help="32-bit floats in the GGUF file, twice the size.")] = False,
    peft: Annotated[Path | None, typer.Option(help="Write the PEFT adapter to this folder.")] = None,
    merge: Annotated[Path | None, typer.Option(help="Write base and adapter as one model to this folder.")] = None,
    push_to_hub: Annotated[
        str | None,
        typer.Option(metavar="OWNER/NAME", help="Upload the merged model if one is written, else the adapter."),
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="A new repository on the hub is visible to all.")] = False,
    base: Annotated[str | None, typer.Option(help="By default the run's own.")] = None,
) -> None:
    """Take an adapter to where it is used.

    A GGUF adapter is named in `RIDDLEWIRE_ENGINE_ADAPTERS` and asked for by a step's `extra: {adapter: NAME}`.

    Examples:
    - `riddlewire finetune export runs/first --gguf first.gguf`
    - `riddlewire finetune export runs/first --merge merged --push-to-hub me/riddles`
    """
    import shutil

    from finetuning.exporting import export_gguf, export_merged
    from finetuning.exporting import push_to_hub as upload
    from finetuning.training import ADAPTER
    from service.cli.finetune_data import base_of

    if not (gguf or peft or merge or push_to_hub):
        raise typer.BadParameter("say what to write: --gguf, --peft, --merge or --push-to-hub.")
    adapter, named = run / ADAPTER, base or base_of(run)
    if gguf:
        export_gguf(adapter, named, gguf, half=not full)
        say(f"{gguf}: {gguf.stat().st_size / 1e6:.1f} MB")
    if peft:
        shutil.copytree(adapter, peft, dirs_exist_ok=True)
        say(f"{peft}")
    if merge:
        export_merged(adapter, named, merge, cache=_cache(ctx), say=note)
        say(f"{merge}")
    if push_to_hub:
        say(upload(merge or adapter, push_to_hub, private=not public))


@app.command("openai-export")
def openai_export(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder that `finetune prepare` wrote.")],
    folder: Annotated[Path, typer.Option("--output", "-o", help="Where train.jsonl and dev.jsonl go.")],
    as_json: AsJson = False,
) -> None:
    """Write a training set in the form that OpenAI's fine-tuning takes, checked before it is uploaded.

    Example: `riddlewire finetune openai-export data -o openai`
    """
    from finetuning.openai_export import write_openai
    from service.cli.finetune_data import read_data

    samples = read_data(data)
    folder.mkdir(parents=True, exist_ok=True)
    written = [
        write_openai(folder / f"{split}.jsonl", [sample for sample in samples if sample.split == split])
        for split in ("train", "dev")
    ]
    if as_json:
        print_json(written)
        return
    for each in written:
        say(f"{each.path}: {each.samples} samples, {each.size / 1e6:.1f} MB, {each.repeated} said twice")


def _cache(ctx: typer.Context) -> Path:
    return settings_of(ctx).home / "base-models"


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


def _print_losses(before: "Loss", after: "Loss", *, as_json: bool, run: Path, **more: Any) -> None:
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
    import math

    return f"{math.exp(min(nats, 700.0)):.2f}"
