"""Runs an experiment for `riddlewire eval run`: begins it or goes on with it, asks solver and judge, scores."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from evaluation.errors import BudgetSpent, PipelinesFailed
from evaluation.experiments import (
    Budget,
    Experiments,
    ModelScorer,
    Request,
    Runner,
    StillCatalog,
    models_of,
    open_models,
    open_pool,
    outcomes_by_pipeline,
    plan,
    pool_of,
    read_results,
    require_evaluators,
    require_prices,
    spent_on_scores,
)
from retrievers.embeddings import load_embeddings
from service.cli.eval_datasets import read as read_dataset
from service.cli.eval_progress import progress_bar
from service.cli.terminal import note, working

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from chains.models import ChatModels
    from evaluation.experiments import Experiment
    from evaluation.results import Results
    from retrievers import Examples
    from retrievers.embeddings import EmbeddingModel
    from service.cli.eval_progress import Bar
    from service.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What `riddlewire eval run` was told; None is what the command line did not say.

    Args:
        resume: The experiment to go on with; then only what follows `seed` counts.
        name: Of the experiment.
        pipelines: Which ones.
        dataset: Over what.
        limit: At most so many cases.
        repeats: Runs of each pipeline over each case.
        seed: All seeds are made of it.
        concurrency: Runs at once.
        solver: Model of the blind solver.
        solver_embeddings: What the embedding solver reads with.
        judge: Model of the judge.
        max_cost: In US dollars, for the whole experiment.
        retry_failed: Run what failed before again.
    """

    resume: str | None
    name: str | None
    pipelines: tuple[str, ...]
    dataset: str
    limit: int | None
    repeats: int
    seed: int
    concurrency: int | None
    solver: str | None
    solver_embeddings: str | None
    judge: str | None
    max_cost: float | None
    retry_failed: bool


async def run_experiment(settings: Settings, order: Order) -> Results:
    """Run what was ordered, and give the results.

    Raises:
        ConfigurationError: Something has to be changed first, or the experiment is not what it was.
        PipelinesFailed: Some pipelines ended before their cases did.
        BudgetSpent: It stopped at `max_cost`.
    """
    require_evaluators()
    catalog = StillCatalog(settings.home)
    experiment, request = _requested(settings, order)
    async with _models(settings) as models:
        with experiment.locked():
            await _begin(settings, experiment, request, catalog, models, max_cost=order.max_cost)
            try:
                return await _run(experiment, catalog, models, order)
            except asyncio.CancelledError:
                note(f"Stopped; what was finished is kept. Go on with: riddlewire eval run --resume {experiment.name}")
                raise


def _requested(settings: Settings, order: Order) -> tuple[Experiment, Request]:
    experiments = Experiments(settings.home / "experiments")
    if order.resume is not None:
        experiment = experiments.get(order.resume)
        return experiment, _again(experiment, order)
    with working("Reading the dataset …"):
        dataset = read_dataset(settings, order.dataset).limited(order.limit)
    request = Request(
        pipelines=order.pipelines,
        dataset=dataset,
        limit=order.limit,
        repeats=order.repeats,
        seed=order.seed,
        solver=order.solver,
        solver_embeddings=order.solver_embeddings,
        judge=order.judge,
    )
    if order.concurrency is not None:
        request = replace(request, concurrency=order.concurrency)
    return experiments.named(order.name or request.default_name()), request


def _again(experiment: Experiment, order: Order) -> Request:
    """What the experiment was begun with; the cases are those in its folder, whatever became of the dataset."""
    from evaluation.datasets import Dataset

    manifest = experiment.manifest()
    cases = tuple(experiment.cases().values())
    return Request(
        pipelines=tuple(pipeline.name for pipeline in manifest.pipelines),
        dataset=Dataset(name=manifest.dataset.name, cases=cases, available=manifest.dataset.available),
        repeats=manifest.repeats,
        seed=manifest.seed,
        concurrency=order.concurrency or manifest.concurrency,
        solver=order.solver or manifest.solver,
        solver_embeddings=order.solver_embeddings or manifest.solver_embeddings,
        judge=order.judge or manifest.judge,
    )


async def _begin(
    settings: Settings,
    experiment: Experiment,
    request: Request,
    catalog: StillCatalog,
    models: ChatModels,
    *,
    max_cost: float | None,
) -> None:
    """All that can go wrong without a paid call goes wrong here, before anything is on the disk."""
    from retrievers.shipped import seed as seed_store
    from retrievers.store import ExampleStore
    from service.cli.database import opened_engine

    with opened_engine(settings) as engine:
        store = ExampleStore(engine)
        seed_store(store)
        planned = plan(
            experiment,
            request,
            catalog=catalog,
            stored=store.export(),
            embeddings=settings.embeddings,
            adapters=settings.engine.adapters,
        )
    for change in planned.version_changes:
        note(f"Another version than when this experiment began: {change}.")
    called = models_of(planned.manifest)
    if max_cost is not None:
        require_prices(models, called)
    with working("Opening the models …"):
        await open_models(models, called)
        if reader := planned.manifest.solver_embeddings:
            await asyncio.to_thread(lambda: _embeddings(reader).dimension)
    planned.write(experiment, request)


async def _run(experiment: Experiment, catalog: StillCatalog, models: ChatModels, order: Order) -> Results:
    from chains.loading import load_pipeline

    manifest = experiment.manifest()
    budget = Budget(order.max_cost, spent_on_scores(experiment))
    async with _examples(experiment) as examples:
        pipelines = {
            record.name: load_pipeline(record.name, catalog=catalog, examples=examples, models=models)
            for record in manifest.pipelines
        }
        with progress_bar() as bar:
            runner = Runner(
                experiment, pipelines, models, budget=budget, retry_failed=order.retry_failed, watch=bar.runs
            )
            ran = await runner.run()
            load = _loader(examples)
            left = await _ask(experiment, models, load, budget, bar)
            results = await asyncio.to_thread(read_results, experiment, load, bar.counts("Scoring"))
    if ran.failures:
        raise PipelinesFailed(experiment.name, ran.failures)
    if order.max_cost is not None and ran.left + left:
        raise BudgetSpent(experiment.name, budget.spent_usd, order.max_cost, ran.left + left)
    return results


_embeddings = cache(load_embeddings)
"""The solver's are looked at before the first call and read with after the last."""


def _loader(examples: Examples) -> Callable[[str], EmbeddingModel]:
    """Gives embedding models by name, those of the index without loading them again."""
    own = examples.embeddings
    return lambda name: own if name == own.name else _embeddings(name)


async def _ask(
    experiment: Experiment, models: ChatModels, load: Callable[[str], EmbeddingModel], budget: Budget, bar: Bar
) -> int:
    """Ask solver and judge about what there is; how many answers are missing."""
    manifest = experiment.manifest()
    if manifest.solver is None and manifest.judge is None:
        return 0
    outcomes = [outcome for made in outcomes_by_pipeline(experiment).values() for outcome in made]
    scorer = ModelScorer(experiment, models, budget, bar.counts("Asking solver and judge"))
    return await scorer.run(pool_of(experiment, load), outcomes)


@asynccontextmanager
async def _models(settings: Settings) -> AsyncIterator[ChatModels]:
    from chains.models import ChatModels

    models = ChatModels(settings.model_settings())
    try:
        yield models
    finally:
        await models.aclose()


@asynccontextmanager
async def _examples(experiment: Experiment) -> AsyncIterator[Examples]:
    """The examples that the experiment allows, and no other, indexed in memory."""
    with working("Indexing the examples …"):
        embeddings = experiment.manifest().pool.embeddings
        examples = await asyncio.to_thread(open_pool, experiment.examples(), embeddings)
    try:
        yield examples
    finally:
        examples.close()
