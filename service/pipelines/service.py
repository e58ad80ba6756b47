"""What /v1/pipelines does, without HTTP's shapes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog

from chains.models.scope import CallScope, in_scope
from service.pipelines.schemas import explanation_payload, pipeline_payload
from service.problems import problem_of
from service.riddles.payload import article_payload, made_payload

if TYPE_CHECKING:
    from chains.pipeline import RiddlePipeline
    from domain.article import Article
    from service.auth import Caller
    from service.pipelines.schemas import CompareRequest
    from service.resources import Resources
    from service.riddles.schemas import ArticleIn

_log = structlog.get_logger("riddlewire.pipelines")


def list_pipelines(resources: Resources) -> dict[str, Any]:
    """All pipelines, by name."""
    resources.catalog.refresh()
    default = resources.settings.pipeline
    specs = sorted(resources.catalog.pipelines(), key=lambda spec: spec.name)
    return {"items": [pipeline_payload(spec, default=default) for spec in specs], "next_cursor": None}


def get_pipeline(resources: Resources, name: str) -> dict[str, Any]:
    """One pipeline.

    Raises:
        NotFound: There is none of that name.
    """
    resources.catalog.refresh()
    return pipeline_payload(resources.catalog.pipeline(name), default=resources.settings.pipeline)


async def explain(resources: Resources, name: str, article: ArticleIn, caller: Caller) -> dict[str, Any]:
    """What the pipeline would retrieve and send for an article; calls no model.

    Raises:
        NotFound: There is no pipeline of that name.
        InvalidArticle: The article cannot be used.
    """
    explanation = await resources.pipeline(name).explain(article.to_article(), tenant=caller.tenant)
    return explanation_payload(explanation)


async def compare(resources: Resources, asked: CompareRequest, caller: Caller, request_id: str) -> dict[str, Any]:
    """Run several pipelines at once on one article; one that fails says why and spoils nothing.

    Raises:
        NotFound: One of the pipelines does not exist; then none is run.
        Overloaded: There is no room for all of them.
    """
    article = asked.article.to_article()
    pipelines = [resources.pipeline(name) for name in dict.fromkeys(asked.pipelines)]
    slots = resources.in_flight.reserve(len(pipelines))
    runs = asyncio.gather(*(_result(pipeline, article, caller, request_id) for pipeline in pipelines))
    results = await asyncio.shield(resources.in_flight.start(_collected(runs), slots))
    return {"article": article_payload(article), "results": results}


async def _collected(runs: asyncio.Future[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return await runs


async def _result(pipeline: RiddlePipeline, article: Article, caller: Caller, request_id: str) -> dict[str, Any]:
    name = pipeline.name
    try:
        with in_scope(CallScope(key_id=caller.key_id, cache="off")):  # what is compared is measured too
            riddle = await pipeline.ainvoke(article, tenant=caller.tenant)
    except Exception as exc:  # noqa: BLE001 -- one pipeline's failure is its result, told as any other problem
        problem = problem_of(exc)
        _log.warning("compared pipeline failed", pipeline=name, error=type(exc).__name__, status=problem.status)
        return {"pipeline": name, "riddle": None, "error": problem.as_dict(request_id)}
    return {"pipeline": name, "riddle": made_payload(riddle), "error": None}
