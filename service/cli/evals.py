"""`riddlewire eval`: which pipeline makes better riddles, with numbers one can trust."""

from typing import Annotated

import typer

from service.cli import eval_datasets, eval_guesses, eval_judging, eval_measures, eval_writing
from service.cli.eval_results import experiments_of, results_of
from service.cli.options import AsJson, options_of, settings_of
from service.cli.running import run as run_to_the_end
from service.cli.terminal import note, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Experiments: run pipelines over a dataset, compare them, gate changes.")
app.add_typer(eval_datasets.app, name="dataset")

Name = Annotated[str, typer.Argument(metavar="EXPERIMENT", help="See `riddlewire eval list`.")]


@app.command("run")
def run_experiment(
    ctx: typer.Context,
    *,
    pipelines: Annotated[str, typer.Option(help="Names, with commas between them.")] = "",
    dataset: Annotated[str, typer.Option(help="dev, train, stored:N, or a .jsonl or .csv file.")] = "dev",
    repeats: Annotated[int, typer.Option(min=1, max=100, help="Runs of each pipeline over each case.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many cases, always the same ones.")] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, max=256, help="Runs at once.", show_default="4")] = None,
    seed: Annotated[int, typer.Option(min=0, help="All seeds are made of it.")] = 0,
    name: Annotated[str | None, typer.Option(help="Of the experiment; by default made of what is asked for.")] = None,
    solver: Annotated[
        str | None, typer.Option(metavar="PROVIDER:MODEL", help="A model that tries to solve the riddles.")
    ] = None,
    solver_embeddings: Annotated[
        str | None,
        typer.Option(metavar="PROVIDER:MODEL", help="What the embedding solver reads with, if not retrieval's own."),
    ] = None,
    judge: Annotated[
        str | None, typer.Option(metavar="PROVIDER:MODEL", help="A model that checks summaries and compares riddles.")
    ] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="Stop at so many US dollars, all told.")] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Do the failed runs again.")] = False,
    resume: Annotated[str | None, typer.Option(metavar="EXPERIMENT", help="Go on with it, as it was begun.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run pipelines over a dataset and score what they make. Every outcome is kept as soon as it is there.

    After an interruption the same command goes on and repeats nothing that is finished; so does `--resume`. It refuses
    when pipelines, prompts or the dataset have changed since. Nothing of the dev split is ever shown to a pipeline.

    Examples:
    - `riddlewire eval run --pipelines embedded,zero-shot --limit 20`
    - `riddlewire eval run --pipelines embedded,openai --repeats 3 --max-cost 2 --solver openai:gpt-5.4-mini`
    - `riddlewire eval run --resume dev-embedded-openai-1a2b3c`
    """
    from service.cli.eval_run import Order
    from service.cli.eval_run import run_experiment as execute
    from service.cli.eval_tables import print_results, results_payload
    from service.telemetry.logging import configure_logging

    names = tuple(dict.fromkeys(filter(None, (part.strip() for part in pipelines.split(",")))))
    if not names and resume is None:
        raise typer.BadParameter(
            "name at least one, or an experiment to go on with: --resume", param_hint="--pipelines"
        )
    configure_logging("debug" if options_of(ctx).debug else "error", "console")
    order = Order(
        resume=resume,
        name=name,
        pipelines=names,
        dataset=dataset,
        limit=limit,
        repeats=repeats,
        seed=seed,
        concurrency=concurrency,
        solver=solver,
        solver_embeddings=solver_embeddings,
        judge=judge,
        max_cost=max_cost,
        retry_failed=retry_failed,
    )
    settings = settings_of(ctx)
    results = run_to_the_end(execute(settings, order))
    if as_json:
        print_json(results_payload(results))
        return
    print_results(results)
    note(f"All of it: {settings.home / 'experiments' / results.manifest.experiment}")


@app.command("list")
def list_experiments(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the experiments and how far each has come."""
    from service.cli.eval_tables import experiment_row

    rows = [experiment_row(experiment) for experiment in experiments_of(ctx).all()]
    if as_json:
        print_json(rows)
        return
    cells = (
        (row["name"], row["dataset"], ", ".join(row["pipelines"]), f"{row['runs']}/{row['total']}",
         f"${row['cost_usd']:.4f}", row["created_at"])
        for row in rows
    )  # fmt: skip
    print_table(("experiment", "dataset", "pipelines", "runs", "cost", "begun"), cells)


@app.command()
def show(
    ctx: typer.Context,
    name: Name,
    everything: Annotated[bool, typer.Option("--all", help="Every metric, not only the headline ones.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show an experiment's metrics with their 95% intervals, pipeline beside pipeline.

    Example: `riddlewire eval show dev-embedded-openai-1a2b3c --all`
    """
    from service.cli.eval_tables import print_results, results_payload

    results = results_of(ctx, name)
    if as_json:
        print_json(results_payload(results))
    else:
        print_results(results, everything=everything)


app.command()(eval_judging.compare)
app.command()(eval_judging.gate)
app.command()(eval_writing.export)
app.command()(eval_writing.report)
app.command()(eval_measures.metrics)
app.command()(eval_measures.agreement)
app.command()(eval_measures.perplexity)
app.command()(eval_guesses.guesses)
