"""/v1/pipelines."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from service.answers import json_response
from service.auth import caller_of
from service.pipelines import service
from service.pipelines.schemas import CompareRequest, ComparisonOut, ExplainRequest, ExplanationOut, PipelineOut
from service.problems import request_id_of
from service.resources import resources_of
from service.routing import ReaderRoute, WriterRoute
from service.schemas import Page

reads = APIRouter(prefix="/v1/pipelines", tags=["pipelines"], route_class=ReaderRoute)
writes = APIRouter(prefix="/v1/pipelines", tags=["pipelines"], route_class=WriterRoute)


@reads.get("", response_model=Page[PipelineOut])
async def list_pipelines(request: Request) -> Response:
    """What each pipeline is made of: steps, prompts, models, retrieval, gate."""
    return json_response(service.list_pipelines(resources_of(request)))


@reads.get("/{name}", response_model=PipelineOut)
async def get_pipeline(name: str, request: Request) -> Response:
    """One pipeline."""
    return json_response(service.get_pipeline(resources_of(request), name))


@writes.post("/compare", response_model=ComparisonOut)
async def compare(asked: CompareRequest, request: Request) -> Response:
    """Run up to 8 pipelines on one article and show the results side by side. Nothing is kept."""
    found = await service.compare(resources_of(request), asked, caller_of(request), request_id_of(request))
    return json_response(found)


@writes.post("/{name}/explain", response_model=ExplanationOut)
async def explain(name: str, asked: ExplainRequest, request: Request) -> Response:
    """Retrieved examples with scores and reasons, and the rendered messages. Calls no model."""
    return json_response(await service.explain(resources_of(request), name, asked.article, caller_of(request)))
