"""What commands of `riddlewire eval` read: experiments, their results, one pipeline's of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import InvalidInput
from service.cli.options import settings_of

if TYPE_CHECKING:
    import typer

    from evaluation.experiments import Experiment, Experiments
    from evaluation.results import PipelineResults, Results


def experiments_of(ctx: typer.Context) -> Experiments:
    """All experiments of the data folder."""
    from evaluation.experiments import Experiments

    return Experiments(settings_of(ctx).home / "experiments")


def results_of(ctx: typer.Context, name: str) -> Results:
    """What an experiment found, scored anew where it was not scored yet.

    Raises:
        NotFound: There is no such experiment.
    """
    return _read(experiments_of(ctx).get(name))


def _read(experiment: Experiment) -> Results:
    from evaluation.experiments import read_results
    from retrievers.embeddings import load_embeddings
    from service.cli.eval_progress import progress_bar

    with progress_bar() as bar:
        return read_results(experiment, load_embeddings, bar.counts("Scoring"))


def pipeline_of(ctx: typer.Context, named: str, experiment: str | None) -> tuple[Results, PipelineResults]:
    """The results of an experiment, and those of one pipeline in it.

    Args:
        ctx: Of the command.
        named: `EXPERIMENT/PIPELINE`, or the pipeline alone.
        experiment: Which one is meant where `named` does not say.

    Raises:
        InvalidInput: Neither says which experiment.
        NotFound: There is no such experiment, or no such pipeline in it.
    """
    own, slash, pipeline = named.partition("/")
    if not slash:
        own, pipeline = experiment or "", named
    if not own:
        raise InvalidInput(repr(named), "is of which experiment? Write EXPERIMENT/PIPELINE, or name the experiment")
    results = results_of(ctx, own)
    return results, results.pipeline(pipeline)
