"""`riddlewire finetune`: a training set, an adapter, what it changed, and where it goes."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli import finetune_export, finetune_train
from service.cli.finetune_data import base_models_of
from service.cli.finetune_losses import print_losses
from service.cli.options import AsJson
from service.cli.terminal import note

app = typer.Typer(no_args_is_help=True, help="Do it yourself: train an adapter on the pre-made examples and use it.")

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `finetune train` wrote.")]


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
        cache=base_models_of(ctx),
        say=note,
    )
    print_losses(found.before, found.after, as_json=as_json, run=run)


app.command()(finetune_train.prepare)
app.command()(finetune_train.train)
app.command()(evaluate)
app.command()(finetune_export.export)
app.command("openai-export")(finetune_export.openai_export)
