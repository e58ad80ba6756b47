"""/v1/examples."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from service.answers import json_response
from service.auth import caller_of
from service.examples import service
from service.examples.schemas import ExampleIn, ExampleOut, ExampleStatus, FoundExample, ImportOut
from service.resources import resources_of
from service.routing import ImportRoute, ReaderRoute, WriterRoute
from service.schemas import CleanText, Cursor, Limit, Page

reads = APIRouter(prefix="/v1/examples", tags=["examples"], route_class=ReaderRoute)
writes = APIRouter(prefix="/v1/examples", tags=["examples"], route_class=WriterRoute)
imports = APIRouter(prefix="/v1/examples", tags=["examples"], route_class=ImportRoute)

NDJSON = "application/x-ndjson"
_LINES = {"schema": {"type": "string", "description": "One example a line, as POST /v1/examples takes it"}}


@reads.get("", response_model=Page[FoundExample])
async def list_examples(
    request: Request,
    query: Annotated[CleanText | None, Query(max_length=10_000, description="Search by similarity.")] = None,
    k: Annotated[int, Query(ge=1, le=50, description="How many a search finds.")] = 4,
    topic: Annotated[CleanText | None, Query(max_length=100)] = None,
    status: Annotated[ExampleStatus, Query(description="`pending`, for admins: what waits for approval.")] = "approved",
    limit: Limit = 20,
    cursor: Cursor | None = None,
) -> Response:
    """Examples in the order they came; with `query` the most similar ones, best first, with their scores."""
    resources, caller = resources_of(request), caller_of(request)
    if status == "pending":
        return json_response(await service.list_pending(resources, caller, limit=limit, cursor=cursor))
    if query:
        return json_response(await service.search(resources, caller, query=query, k=k, topic=topic))
    return json_response(await service.list_examples(resources, caller, limit=limit, cursor=cursor, topic=topic))


@writes.post("", status_code=201, response_model=ExampleOut)
async def add_example(given: ExampleIn, request: Request) -> Response:
    """Add an example; the next riddle may show it."""
    example = await service.add(resources_of(request), given, caller_of(request))
    return json_response(example, 201, {"Location": f"/v1/examples/{example['id']}"})


@imports.post(
    "/import", response_model=ImportOut, openapi_extra={"requestBody": {"required": True, "content": {NDJSON: _LINES}}}
)
async def import_examples(request: Request) -> Response:
    """Import JSON lines. What is there already is left or updated, so the same file can be sent again."""
    return json_response(await service.import_lines(resources_of(request), request.stream(), caller_of(request)))


@reads.get("/export", response_class=StreamingResponse, responses={200: {"content": {NDJSON: _LINES}}})
async def export_examples(request: Request) -> Response:
    """All examples as JSON lines."""
    return StreamingResponse(service.export_lines(resources_of(request), caller_of(request)), media_type=NDJSON)


@reads.get("/{example_id}", response_model=ExampleOut)
async def get_example(example_id: str, request: Request) -> Response:
    """One example."""
    return json_response(await service.get_example(resources_of(request), example_id, caller_of(request)))


@writes.put("/{example_id}", response_model=ExampleOut)
async def replace_example(example_id: str, given: ExampleIn, request: Request) -> Response:
    """Put other content under this id."""
    return json_response(await service.replace(resources_of(request), example_id, given, caller_of(request)))


@writes.delete("/{example_id}", status_code=204, response_class=Response)
async def remove_example(example_id: str, request: Request) -> Response:
    """Remove an example for good. One that waits for approval is rejected by an admin, or taken back by its sender."""
    await service.remove(resources_of(request), example_id, caller_of(request))
    return Response(status_code=204)
