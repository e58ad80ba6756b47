"""/v1/batches."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from service.answers import json_response
from service.auth import caller_of
from service.batches import service
from service.batches.payload import batch_payload
from service.batches.progress import progress
from service.batches.reading import one_pipeline, read_batch, read_lines
from service.batches.schemas import PROGRESS_EXAMPLE, BatchItemOut, BatchOut
from service.batches.service import Accepted, BatchOrder
from service.resources import resources_of
from service.riddles.claims import IdempotencyKey, KeyUse, Replayed
from service.routing import NDJSON, BatchRoute, WriterRoute, is_ndjson
from service.schemas import Cursor, Limit, Name, Page
from service.sse import event_stream
from service.webhooks.schemas import webhook_payload

writes = APIRouter(prefix="/v1/batches", tags=["batches"], route_class=BatchRoute)
reads = APIRouter(prefix="/v1/batches", tags=["batches"], route_class=WriterRoute)

_LINES = {"schema": {"type": "string", "description": "One article a line, as in `articles`"}}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/BatchRequest"}},
            NDJSON[0]: _LINES,
        },
    }
}


@writes.post("", status_code=202, response_model=BatchOut, openapi_extra=_BODY)
async def make_batch(
    request: Request,
    idempotency_key: IdempotencyKey = None,
    pipeline: Annotated[Name | None, Query(description="For a body of JSON lines, which has no room for it.")] = None,
) -> Response:
    """Take in a batch, as JSON or as JSON lines: all of it or nothing."""
    body = await request.body()
    caller = caller_of(request)
    resources = resources_of(request)
    read = read_lines if is_ndjson(request) else read_batch
    sent = await asyncio.to_thread(read, body, most_bytes=resources.settings.limits.body_bytes)
    target = sent.webhook.target(resources.settings.target_policy()) if sent.webhook else None
    order = BatchOrder(
        articles=sent.articles,
        pipeline=one_pipeline(sent.pipeline, pipeline),
        key_id=caller.key_id,
        tenant=caller.tenant,
        webhook=target,
    )
    key = KeyUse.of(idempotency_key, body, query=pipeline or "") if idempotency_key else None
    told = {"webhook": webhook_payload(sent.webhook, target)} if sent.webhook and target else {}
    taken = await service.accept(resources, order, caller=caller, key=key, told=told)
    match taken:
        case Replayed():
            return taken.response()
        case Accepted(location, answer):
            return json_response(answer, 202, {"Location": location})


@reads.get("/{batch_id}", response_model=BatchOut)
async def get_batch(batch_id: str, request: Request) -> Response:
    """A batch and how far it is."""
    batch = await service.get_batch(resources_of(request), batch_id, caller_of(request))
    return json_response(batch_payload(batch))


@reads.get(
    "/{batch_id}/results",
    response_model=Page[BatchItemOut],
    responses={200: {"content": {NDJSON[0]: {"schema": {"type": "string", "description": "One item a line"}}}}},
)
async def batch_results(batch_id: str, request: Request, limit: Limit = 20, cursor: Cursor | None = None) -> Response:
    """What became of the articles, in input order. With `Accept: application/x-ndjson` all of it as JSON lines."""
    resources, caller = resources_of(request), caller_of(request)
    if any(kind in request.headers.get("accept", "") for kind in NDJSON):
        await service.get_batch(resources, batch_id, caller)
        return StreamingResponse(service.result_lines(resources, batch_id), media_type=NDJSON[0])
    return json_response(await service.results_page(resources, batch_id, caller, limit=limit, cursor=cursor))


@reads.get(
    "/{batch_id}/events",
    response_class=StreamingResponse,
    responses={200: {"description": "A stream of events", "content": {"text/event-stream": PROGRESS_EXAMPLE}}},
)
async def batch_events(
    batch_id: str,
    request: Request,
    last_event_id: Annotated[str | None, Header(max_length=100, description="Of the last event you got.")] = None,
) -> Response:
    """Progress as server-sent events, until the batch is done."""
    resources = resources_of(request)
    await service.get_batch(resources, batch_id, caller_of(request))
    return event_stream(progress(resources, batch_id, last_event_id=last_event_id))


@reads.post("/{batch_id}/cancel", response_model=BatchOut)
async def cancel_batch(batch_id: str, request: Request) -> Response:
    """Stop what has not started; what is done stays."""
    return json_response(batch_payload(await service.cancel(resources_of(request), batch_id, caller_of(request))))


@reads.post("/{batch_id}/retry", response_model=BatchOut)
async def retry_batch(batch_id: str, request: Request) -> Response:
    """Run the failed articles again."""
    return json_response(batch_payload(await service.retry(resources_of(request), batch_id, caller_of(request))))
