"""Commands of `riddlewire eval` that hold one pipeline against another: compare and gate."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.eval_results import pipeline_of
from service.cli.exits import Exit
from service.cli.options import AsJson
from service.cli.terminal import print_json, print_table

if TYPE_CHECKING:
    from evaluation.metric import Metric


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

    one, first_results = pipeline_of(ctx, first, experiment)
    other, second_results = pipeline_of(ctx, second, experiment)
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
    _, before = pipeline_of(ctx, baseline, name)
    _, after = pipeline_of(ctx, candidate, name)
    verdicts = judge_candidate(before, after, allowed, max_unscored=max_unscored, strict=strict)
    passed = all(verdict.passed for verdict in verdicts)
    if as_json:
        print_json({"passed": passed, "metrics": [verdict_payload(verdict) for verdict in verdicts]})
    else:
        headings = ("", "metric", "baseline", "candidate", "drop", "worst", "allowed", "why")
        print_table(headings, map(verdict_row, verdicts))
    raise typer.Exit(Exit.OK if passed else Exit.FAILED)


def _drop(given: str) -> "tuple[Metric, float]":
    name, equals, drop = given.partition("=")
    try:
        allowed = float(drop)
    except ValueError:
        allowed = float("nan")
    if not equals or not -float("inf") < allowed < float("inf"):
        raise typer.BadParameter(f"{given!r} is not METRIC=NUMBER, such as solver_mrr=0.05", param_hint="--max-drop")
    return _metric(name.strip()), allowed


def _metric(name: str) -> "Metric":
    from evaluation.evaluators import metric

    return metric(name)
