"""`riddlewire eval`: which pipeline makes better riddles, with numbers one can trust."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import InvalidInput
from service.cli import eval_datasets, eval_guesses, eval_measures
from service.cli.exits import Exit
from service.cli.options import options_of, settings_of
from service.cli.running import run as run_to_the_end
from service.cli.terminal import note, print_json, print_table, say

if TYPE_CHECKING:
    from evaluation.experiments import Experiment, Experiments
    from evaluation.metric import Metric
    from evaluation.results import PipelineResults, Results

app = typer.Typer(no_args_is_help=True, help="Experiments: run pipelines over a dataset, compare them, gate changes.")
app.add_typer(eval_datasets.app, name="dataset")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
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

    rows = [experiment_row(experiment) for experiment in _experiments(ctx).all()]
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

    results = _results(ctx, name)
    if as_json:
        print_json(results_payload(results))
    else:
        print_results(results, everything=everything)


@app.command()
def compare(
    ctx: typer.Context,
    first: Annotated[str, typer.Argument(metavar="A", help="A pipeline of --experiment, or EXPERIMENT/PIPELINE.")],
    second: Annotated[str, typer.Argument(metavar="B", help="What is compared with A.")],
    experiment: Annotated[str | None, typer.Option(help="Which experiment A and B are of.")] = None,
    metrics: Annotated[list[str] | None, typer.Option("--metric", help="Show its cases; may stand repeatedly.")] = None,
    text: Annotated[bool, typer.Option("--text", help="Show what both made, side by side.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Cases with --text; 0 shows all.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Compare B with A case by case: paired differences with bootstrap intervals, and which cases got better or worse.

    A difference is clear when its 95% interval has no 0 in it. With many metrics, one in twenty is clear by chance.

    Examples:
    - `riddlewire eval compare embedded openai --experiment dev-embedded-openai-1a2b3c --metric solver_mrr --text`
    - `riddlewire eval compare before/embedded after/embedded --json`
    """
    from evaluation.comparison import compare_pipelines
    from service.cli.eval_tables import comparison_payload, print_comparison
    from service.cli.eval_texts import print_texts

    one, first_results = _pipeline(ctx, first, experiment)
    other, second_results = _pipeline(ctx, second, experiment)
    chosen = [_metric(name).name for name in metrics or ()]
    known = {metric.name: metric for metric in (*one.metrics, *other.metrics)}
    comparison = compare_pipelines(first_results, second_results, known.values())
    if as_json:
        print_json(comparison_payload(comparison))
        return
    print_comparison(comparison, chosen)
    if text:
        changed = [case_id for found in comparison.metrics if found.metric.name in chosen
                   for case_id in (*found.worse, *found.better)]  # fmt: skip
        print_texts(comparison, one.cases, list(dict.fromkeys([*changed, *comparison.case_ids]))[: limit or None])


@app.command()
def gate(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="EXPERIMENT", help="See `riddlewire eval list`.")] = None,
    *,
    baseline: Annotated[str, typer.Option(help="A pipeline of the experiment, or EXPERIMENT/PIPELINE.")],
    candidate: Annotated[str, typer.Option(help="What is to take its place; likewise.")],
    max_drop: Annotated[list[str], typer.Option(metavar="METRIC=DROP", help="In the metric's unit; repeatable.")],
    max_unscored: Annotated[float, typer.Option(min=0, max=1, help="Share of cases it may be unscored on.")] = 0.1,
    strict: Annotated[bool, typer.Option("--strict", help="The interval's worse end must be within, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Exit with 1 when a candidate is worse than a baseline by more than is allowed; for CI.

    The drop of a metric is the mean, over the cases that both have a value for, of how much worse the candidate is:
    baseline less candidate where higher is better, the other way round where lower is. The candidate passes when the
    drop is at most DROP, and it has a value on all but `--max-unscored` of the baseline's cases. With `--strict` the
    worse end of the drop's 95% interval must be at most DROP, too. A negative DROP demands an improvement.

    Example: `riddlewire eval gate nightly --baseline embedded --candidate tuned --max-drop solver_mrr=0.05 --max-drop
    latency_ms=500`
    """
    from evaluation.gating import judge_candidate
    from service.cli.eval_tables import verdict_payload, verdict_row

    allowed = dict(_drop(given) for given in max_drop)
    _, before = _pipeline(ctx, baseline, name)
    _, after = _pipeline(ctx, candidate, name)
    verdicts = judge_candidate(before, after, allowed, max_unscored=max_unscored, strict=strict)
    passed = all(verdict.passed for verdict in verdicts)
    if as_json:
        print_json({"passed": passed, "metrics": [verdict_payload(verdict) for verdict in verdicts]})
    else:
        headings = ("", "metric", "baseline", "candidate", "drop", "worst", "allowed", "why")
        print_table(headings, map(verdict_row, verdicts))
    raise typer.Exit(Exit.OK if passed else Exit.FAILED)


@app.command()
def export(
    ctx: typer.Context,
    name: Name,
    form: Annotated[str, typer.Option("--format", help="csv, jsonl, promptfoo or langsmith.")] = "csv",
    pipeline: Annotated[str | None, typer.Option(help="Only this one; for langsmith, whose riddles it takes.")] = None,
    target: Annotated[str, typer.Option("--to", metavar="FILE|-", help="Where to; - is standard output.")] = "-",
) -> None:
    """Write an experiment for other tools: pandas (csv, jsonl), promptfoo's viewer, LangSmith's datasets.

    Examples:
    - `riddlewire eval export nightly --format csv --to nightly.csv`
    - `riddlewire eval export nightly --format promptfoo --to nightly.json && promptfoo import nightly.json`
    """
    from evaluation.export import FORMATS
    from evaluation.export import export as exported

    wanted = next((known for known in FORMATS if known == form), None)
    if wanted is None:
        raise typer.BadParameter(f"{form!r} is none of {', '.join(FORMATS)}", param_hint="--format")
    _write(exported(_results(ctx, name), wanted, pipeline), target)


@app.command()
def report(
    ctx: typer.Context,
    name: Name,
    folder: Annotated[Path | None, typer.Option("--to", help="Where to; by default the experiment's folder.")] = None,
) -> None:
    """Write the report: one HTML file that needs no network, and a Markdown table.

    Example: `riddlewire eval report nightly --to reports/`
    """
    from evaluation.report import write_report

    results = _results(ctx, name)
    target = folder or _experiments(ctx).get(name).folder
    write_report(results, target)
    for file in ("report.html", "report.md"):
        say(str(target / file))


@app.command()
def metrics(as_json: AsJson = False) -> None:
    """List the metrics: what each measures, and what it cannot see."""
    from evaluation.evaluators import all_metrics

    found = all_metrics()
    if as_json:
        print_json(found)
        return
    print_table(
        ("metric", "group", "unit", "better", "measures", "cannot see"),
        ((one.name, one.group, one.unit, one.better, one.about, one.blind_to) for one in found),
    )


app.command()(eval_measures.agreement)
app.command()(eval_measures.perplexity)
app.command()(eval_guesses.guesses)


def _experiments(ctx: typer.Context) -> "Experiments":
    from evaluation.experiments import Experiments

    return Experiments(settings_of(ctx).home / "experiments")


def _results(ctx: typer.Context, name: str) -> "Results":
    return _read(_experiments(ctx).get(name))


def _read(experiment: "Experiment") -> "Results":
    from evaluation.experiments import read_results
    from retrievers.embeddings import load_embeddings
    from service.cli.eval_progress import progress_bar

    with progress_bar() as bar:
        return read_results(experiment, load_embeddings, bar.counts("Scoring"))


def _pipeline(ctx: typer.Context, named: str, experiment: str | None) -> "tuple[Results, PipelineResults]":
    own, slash, pipeline = named.partition("/")
    if not slash:
        own, pipeline = experiment or "", named
    if not own:
        raise InvalidInput(repr(named), "is of which experiment? Write EXPERIMENT/PIPELINE, or name the experiment")
    results = _results(ctx, own)
    return results, results.pipeline(pipeline)


def _metric(name: str) -> "Metric":
    from evaluation.evaluators import metric

    return metric(name)


def _drop(given: str) -> "tuple[Metric, float]":
    name, equals, drop = given.partition("=")
    try:
        allowed = float(drop)
    except ValueError:
        allowed = float("nan")
    if not equals or not -float("inf") < allowed < float("inf"):
        raise typer.BadParameter(f"{given!r} is not METRIC=NUMBER, such as solver_mrr=0.05", param_hint="--max-drop")
    return _metric(name.strip()), allowed


def _write(text: str, target: str) -> None:
    if target == "-":
        import sys

        sys.stdout.write(text)
        return
    try:
        Path(target).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise InvalidInput("file", f"{target} cannot be written: {error.strerror}") from None
    note(f"Written to {target}.")
