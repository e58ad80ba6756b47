"""What /readyz tells: the state of everything a riddle needs."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from service.jobs.outlook import outlook
from service.operations.remembered import Remembered

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.resources import Resources

State = dict[str, str]

_PATIENCE_S = 3.0
_INDEX_PATIENCE_S = 2.0
"""For a Chroma server, besides the above: probes themselves wait some five seconds."""


async def readiness(resources: Resources) -> dict[str, Any]:
    """The report: `unavailable` when no riddle can be made or stored, `degraded` when something needs a person."""
    database, examples, jobs = await asyncio.gather(
        _within_patience(_database, resources), _examples(resources), _within_patience(_jobs, resources)
    )
    dependencies = {
        "database": database,
        "examples": examples,
        "catalog": _catalog(resources),
        "jobs": jobs,
        "model": {"status": resources.warm_up.status, "detail": resources.warm_up.detail},
    }
    return {"status": _overall(dependencies, closing=resources.in_flight.closing), "dependencies": dependencies}


def _overall(dependencies: dict[str, State], *, closing: bool) -> str:
    states = {name: state["status"] for name, state in dependencies.items()}
    if closing or "failed" in (states["database"], states["examples"]):
        return "unavailable"
    if "failed" in states.values() or "degraded" in states.values():
        return "degraded"
    return "warming" if states["model"] == "warming" else "ready"


async def _within_patience(check: Callable[[Resources], State], resources: Resources) -> State:
    """What a check finds; one that hangs is waited for by all who ask, and is not begun again by each of them."""
    known = resources.checks.setdefault(check.__name__, Remembered(partial(check, resources), for_s=0.0))
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await known.found()
    except TimeoutError:
        return {"status": "failed", "detail": f"no answer within {_PATIENCE_S:g} s"}


def _database(resources: Resources) -> State:
    try:
        with resources.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        refused = resources.refused_writes.reason()
    except SQLAlchemyError as error:
        return {"status": "failed", "detail": f"does not answer ({type(error).__name__})"}
    if refused is not None:
        return {"status": "failed", "detail": f"refuses writes, for {refused}: make room, or let it be written"}
    return {"status": "ready", "detail": resources.engine.dialect.name}


async def _examples(resources: Resources) -> State:
    state = await _within_patience(_count_examples, resources)
    if state["status"] == "failed":
        return state
    try:
        async with asyncio.timeout(_INDEX_PATIENCE_S):
            trouble = await resources.index_check.found()
    except TimeoutError:
        trouble = f"the index gives no answer within {_INDEX_PATIENCE_S:g} s; see whether the Chroma server runs"
    return state if trouble is None else {"status": "failed", "detail": trouble}


def _count_examples(resources: Resources) -> State:
    try:
        count = resources.examples.store.count()
    except SQLAlchemyError as error:
        return {"status": "failed", "detail": f"cannot be read ({type(error).__name__})"}
    return {"status": "ready", "detail": f"{count} examples, embedded by {resources.settings.embeddings}"}


def _jobs(resources: Resources) -> State:
    worker = resources.worker
    try:
        overview = resources.overview()
    except SQLAlchemyError as error:
        return {"status": "failed", "detail": f"cannot be looked at ({type(error).__name__})"}
    here = None if worker is None else worker.health()
    found = outlook(overview, resources.settings.jobs, here=here, works_here=worker is not None)
    if not found.troubles:
        return {"status": "ready", "detail": found.summary}
    told = "; ".join(f"{trouble.what}: {trouble.remedy}" for trouble in found.troubles)
    return {"status": "degraded", "detail": f"{found.summary}; {told}"[:1000]}


def _catalog(resources: Resources) -> State:
    resources.catalog.refresh()
    problems = resources.catalog.problems()
    if not problems:
        return {"status": "ready", "detail": f"{len(resources.catalog.pipelines())} pipelines"}
    told = "; ".join(f"{problem.path.name}:{problem.line}: {problem.reason}" for problem in problems[:5])
    return {"status": "degraded", "detail": told[:1000]}
