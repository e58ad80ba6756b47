"""Results as tables and as JSON: every number with its interval, and what was not scored counted apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from evaluation.report.numbers import difference_text, span_text, value_text
from evaluation.statistics import summarise
from service.cli.terminal import note, out, print_table, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evaluation.comparison import Comparison, MetricComparison
    from evaluation.experiments import Experiment
    from evaluation.gating import Verdict
    from evaluation.metric import Metric
    from evaluation.results import PipelineResults, Results
    from evaluation.statistics import Interval

_CASES_SHOWN = 5


def results_payload(results: Results) -> dict[str, Any]:
    """The results as JSON: each pipeline's metrics with mean, interval, percentiles and counts."""
    manifest = results.manifest
    return {
        "experiment": manifest.experiment,
        "dataset": manifest.dataset.name,
        "cases": len(results.cases),
        "repeats": manifest.repeats,
        "pipelines": [_pipeline_payload(one, results.metrics) for one in results.pipelines],
    }


def _pipeline_payload(results: PipelineResults, metrics: Iterable[Metric]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for metric in metrics:
        if metric.name in results.set_scores:
            score = results.set_scores[metric.name]
            found[metric.name] = {"mean": score.value, "reason": score.reason, "of_the_set": True}
        elif scores := results.of(metric.name):
            summary = summarise(scores, metric)
            found[metric.name] = {
                "mean": summary.mean,
                **_ends(summary.interval),
                "p50": summary.p50,
                "p95": summary.p95,
                "scored": summary.scored,
                "unscored": summary.unscored,
            }
    return {
        "pipeline": results.pipeline,
        "option": results.option,
        "models": results.models,
        "outcomes": len(results.outcomes),
        "failed": results.failed,
        "metrics": found,
    }


def _ends(interval: Interval | None) -> dict[str, float | None]:
    return {"low": interval.low if interval else None, "high": interval.high if interval else None}


def print_results(results: Results, *, everything: bool = False) -> None:
    """Print a table: one line a metric, one column a pipeline; headline metrics unless told otherwise."""
    manifest = results.manifest
    total = len(manifest.pipelines) * len(results.cases) * manifest.repeats
    done = sum(len(one.outcomes) for one in results.pipelines if one.models)
    say(f"{manifest.experiment}: {manifest.dataset.name}, {len(results.cases)} cases, {done} of {total} runs", "bold")
    metrics = [metric for metric in results.metrics if everything or metric.headline]
    rows = [_row(metric, results.pipelines) for metric in metrics]
    failed = ("failed runs", *(str(one.failed) for one in results.pipelines), "lower")
    headings = ("metric", *(one.pipeline for one in results.pipelines), "better")
    named = [] if out().is_terminal else [headings]  # without it, a program could not tell the columns apart
    print_table(headings, [*named, *rows, failed])
    note("Mean, and its 95% interval. What has no value is left out, never counted as 0.")


def _row(metric: Metric, pipelines: Iterable[PipelineResults]) -> tuple[str, ...]:
    return metric.title, *(_cell(metric, one) for one in pipelines), metric.better


def _cell(metric: Metric, results: PipelineResults) -> str:
    if metric.name in results.set_scores:
        return value_text(results.set_scores[metric.name].value, metric.unit)
    summary = summarise(results.of(metric.name), metric)
    if summary.mean is None:
        return "-"
    interval = summary.interval
    span = f" ({span_text(interval.low, interval.high, metric.unit)})" if interval else ""
    missing = f", {summary.unscored} unscored" if summary.unscored else ""
    return f"{value_text(summary.mean, metric.unit)}{span}{missing}"


def comparison_payload(comparison: Comparison) -> dict[str, Any]:
    """The comparison as JSON."""
    return {
        "first": comparison.first.pipeline,
        "second": comparison.second.pipeline,
        "cases": len(comparison.case_ids),
        "metrics": [
            {
                "metric": one.metric.name,
                "higher_is_better": {"higher": True, "lower": False, "neither": None}[one.metric.better],
                "first": one.before,
                "second": one.after,
                "difference": one.difference.mean,
                **_ends(one.difference.interval),
                "cases": one.difference.cases,
                "left_out": one.difference.left_out,
                "better": one.better,
                "worse": one.worse,
            }
            for one in comparison.metrics
        ],
    }


def print_comparison(comparison: Comparison, chosen: Sequence[str]) -> None:
    """Print the differences, and for the chosen metrics the cases that changed most."""
    first, second = comparison.first.pipeline, comparison.second.pipeline
    say(f"{second} compared with {first}, over {len(comparison.case_ids)} cases", "bold")
    headings = ("", first, second, "difference (95% interval)", "verdict", "better", "worse", "equal")
    print_table(headings, map(_comparison_row, comparison.metrics))
    for one in comparison.metrics:
        if one.metric.name in chosen and (one.better or one.worse):
            say()
            say(one.metric.title, "bold magenta")
            rows = [("better", *_case_row(one, case_id)) for case_id in one.better[:_CASES_SHOWN]]
            rows += [("worse", *_case_row(one, case_id)) for case_id in one.worse[:_CASES_SHOWN]]
            print_table(("", "case", "change"), rows)


def _case_row(compared: MetricComparison, case_id: str) -> tuple[str, str]:
    return case_id, difference_text(compared.changes[case_id], compared.metric.unit)


def _comparison_row(one: MetricComparison) -> tuple[str | Text, ...]:
    unit, interval = one.metric.unit, one.difference.interval
    span = f" ({span_text(interval.low, interval.high, unit, signed=True)})" if interval else ""
    assert one.difference.mean is not None
    return (
        one.metric.title,
        value_text(one.before, unit),
        value_text(one.after, unit),
        f"{difference_text(one.difference.mean, unit)}{span}",
        _judged(one),
        str(len(one.better)),
        str(len(one.worse)),
        str(one.difference.cases - len(one.changes)),
    )


def _judged(one: MetricComparison) -> Text:
    if one.metric.better == "neither" or not one.is_clear:
        return Text("different" if one.is_clear else "no clear difference", "dim")
    assert one.difference.mean is not None
    better = (one.difference.mean > 0) == (one.metric.better == "higher")
    return Text("better", "green") if better else Text("worse", "red")


def verdict_payload(verdict: Verdict) -> dict[str, Any]:
    """What the gate says of one metric, as JSON."""
    return {
        "metric": verdict.compared.metric.name,
        "passed": verdict.passed,
        "baseline": verdict.compared.before,
        "candidate": verdict.compared.after,
        "drop": verdict.drop,
        "worst": verdict.worst,
        "allowed": verdict.allowed,
        "cases": verdict.compared.difference.cases,
        "reason": verdict.reason,
    }


def verdict_row(verdict: Verdict) -> tuple[str | Text, ...]:
    """What the gate says of one metric, as a table's row."""
    compared = verdict.compared
    unit = compared.metric.unit
    drop = "-" if verdict.drop is None else difference_text(verdict.drop, unit)
    worst = "-" if verdict.worst is None else difference_text(verdict.worst, unit)
    state = Text("passed", "green") if verdict.passed else Text("failed", "red")
    values = (value_text(compared.before, unit), value_text(compared.after, unit))
    return state, compared.metric.name, *values, drop, worst, value_text(verdict.allowed, unit), verdict.reason


def experiment_row(experiment: Experiment) -> dict[str, Any]:
    """What a list tells of an experiment."""
    manifest = experiment.manifest()
    outcomes = experiment.outcomes().values()
    costs = (outcome.riddle.usage.cost_usd for outcome in outcomes if outcome.riddle)
    return {
        "name": experiment.name,
        "created_at": manifest.created_at,
        "dataset": manifest.dataset.name,
        "cases": len(manifest.dataset.case_ids),
        "pipelines": [pipeline.name for pipeline in manifest.pipelines],
        "runs": len(outcomes),
        "total": len(manifest.pipelines) * len(manifest.dataset.case_ids) * manifest.repeats,
        "failed": sum(bool(outcome.error) for outcome in outcomes),
        "cost_usd": sum(cost or 0.0 for cost in costs),
    }
