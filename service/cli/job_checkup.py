"""What `riddlewire doctor` says of jobs: whether they get on, and whether a slow one could be taken for stuck."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.cli.checkup import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from chains.models import ModelSettings
    from prompts.pipeline import StepSpec
    from service.settings import Settings


def check_jobs(settings: Settings, engine: Engine) -> Iterator[Finding]:
    """Whether jobs get on: what waits, who is at it, and what keeps them; never a failure of this installation."""
    from service.jobs.outlook import outlook
    from service.storage.job_overview import job_overview

    group = settings.jobs
    overview = job_overview(engine, dead_after_s=group.dead_after_s)
    works_here = overview.workers is None  # on SQLite: nobody shows in a table whether a service runs
    found = outlook(overview, group, here=None, works_here=works_here, hosts=True)
    if not found.troubles:
        yield Finding(name="jobs", verdict="ok", detail=found.summary)
    for trouble in found.troubles:
        yield Finding(name="jobs", verdict="note", detail=trouble.what, remedy=trouble.remedy)


def check_stuck_after(settings: Settings) -> Iterator[Finding]:
    """Pipelines with a step that may be silent for longer than makes a worker count as stuck, if there are any."""
    from prompts import Catalog

    stuck_after_s = settings.jobs.stuck_after_s
    models = settings.model_settings()
    for pipeline in Catalog(settings.home).pipelines():
        longest_s = max(_longest_s(step, models) for step in pipeline.steps)
        if longest_s >= stuck_after_s:
            yield Finding(
                name=f"jobs of pipeline {pipeline.name}",
                verdict="note",
                detail=f"a call may take {longest_s:g} s with its retries, and after {stuck_after_s:g} s its worker "
                "counts as stuck",
                remedy=f"set RIDDLEWIRE_JOBS_STUCK_AFTER_S above {longest_s:g}, or give the steps a smaller timeout_s",
            )


def _longest_s(step: StepSpec, models: ModelSettings) -> float:
    """Seconds of a step's longest call: `timeout_s` is for each try of a service, and for the whole call elsewhere."""
    from chains.models.names import ModelName

    providers = {ModelName.parse(model).provider for model in (step.model, *step.fallbacks)}
    tries = [
        models.provider(name).max_retries + 1 if name == "openai" or models.provider(name).speaks_openai else 1
        for name in providers
    ]
    return step.settings.timeout_s * max(tries)
