"""Commands of `riddlewire eval` about the measures: which there are, a judge's agreement, a model's perplexity."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.eval_datasets import read as read_dataset
from service.cli.options import AsJson, settings_of
from service.cli.terminal import note, print_json, print_table, say, tracked


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


def agreement(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="Run with --judge.")],
    labels: Annotated[Path, typer.Option(help="CSV: case_id, first, second (pipelines), winner (or tie).")],
    as_json: AsJson = False,
) -> None:
    """Measure how far the judge of an experiment agrees with people on the same pairs of riddles.

    Example: `riddlewire eval agreement nightly --labels labels.csv`
    """
    from evaluation.evaluators import judge_agreement
    from evaluation.experiments import Experiments, outcomes_by_pipeline, read_preferences
    from evaluation.labels import judged_pairs, read_labels

    experiment = Experiments(settings_of(ctx).home / "experiments").get(name)
    outcomes = [outcome for made in outcomes_by_pipeline(experiment).values() for outcome in made]
    found = judge_agreement({**judged_pairs(read_preferences(experiment, outcomes))}, {**read_labels(labels)})
    if as_json:
        print_json(found)
        return
    if found.raw is None or found.interval is None:
        say("The judge has decided none of the labelled pairs.")
    else:
        span = f"{found.interval.low:.1%} to {found.interval.high:.1%}"
        kappa = "not defined" if found.kappa is None else f"{found.kappa:.2f}"
        say(f"Agreement {found.raw:.1%} ({span}), Cohen's kappa {kappa}, over {found.pairs} pairs")
    if found.unscored:
        note(f"{found.unscored} labelled pairs without the judge's verdict are left out.")


def perplexity(
    ctx: typer.Context,
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A folder, a hub id, a .gguf file, or the embedded one.")
    ],
    dataset: Annotated[str, typer.Option(help="dev, train, stored:N, or a .jsonl or .csv file.")] = "dev",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many cases, always the same ones.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how well a local model predicts the riddles that people wrote. Needs the extra `local`.

    A .gguf file is unpacked first, which takes a minute or more; a folder is faster.
    Perplexities of models with different tokenizers do not compare; bits per byte do.

    Example: `riddlewire eval perplexity smollm2-135m-instruct --limit 20`
    """
    from chains.models.generation import load_causal_model
    from evaluation.evaluators import Perplexity
    from evaluation.evaluators.perplexity import Likelihood

    settings = settings_of(ctx)
    cases = read_dataset(settings, dataset).limited(limit).cases
    usable = [case for case in cases if case.summary and case.answer and case.riddle]
    measure = Perplexity(load=lambda: load_causal_model(model, threads=settings.model_settings().engine.decode_threads))
    found = [likelihood for case in tracked(usable, "Reading riddles") if (likelihood := measure.likelihood(case))]
    left_out = len(cases) - len(found)
    total = sum(found, Likelihood())
    values = {
        "model": model,
        "dataset": dataset,
        "cases": len(found),
        "left_out": left_out,
        "tokens": total.tokens,
        "perplexity": total.perplexity if found else None,
        "bits_per_byte": total.bits_per_byte if found else None,
    }
    if as_json:
        print_json(values)
        return
    if not found:
        say("No case has a reference summary, answer and riddle that fit the model's window.")
    else:
        told = f"perplexity {total.perplexity:.2f} per token, {total.bits_per_byte:.3f} bits per byte"
        say(f"{model}: {told}, over {len(found)} cases")
    if left_out:
        note(f"{left_out} cases without references, or too long for the model, are left out.")
