"""/v1/riddles."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from chains.models.scope import CacheUse
from service.answers import json_response
from service.auth import caller_of
from service.guesses.schemas import ReaderQuery
from service.problems import request_id_of
from service.resources import resources_of
from service.riddles import service
from service.riddles.claims import IdempotencyKey, KeyUse, Replayed
from service.riddles.schemas import STREAM_EXAMPLE, RiddleOut, RiddleRequest
from service.routing import ReaderRoute, WriterRoute
from service.schemas import CleanText, Cursor, Limit, Page
from service.sse import event_stream, wants_events

reads = APIRouter(prefix="/v1/riddles", tags=["riddles"], route_class=ReaderRoute)
writes = APIRouter(prefix="/v1/riddles", tags=["riddles"], route_class=WriterRoute)

Filter = Annotated[CleanText | None, Query(max_length=200)]


@writes.post(
    "",
    status_code=201,
    response_model=RiddleOut,
    responses={200: {"description": "A stream of events", "content": {"text/event-stream": STREAM_EXAMPLE}}},
)
async def make_riddle(asked: RiddleRequest, request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    """Make a riddle of an article. With `Accept: text/event-stream` it is streamed while it is made.

    With `Cache-Control: no-cache` models are asked anew, also what they have answered before; with `no-store` their
    answers are not kept either.
    """
    key = KeyUse.of(idempotency_key, await request.body()) if idempotency_key else None
    taken = await service.accept(
        resources_of(request),
        asked,
        caller=caller_of(request),
        key=key,
        request_id=request_id_of(request),
        cache=_cache_use(request),
    )
    if isinstance(taken, Replayed):
        return taken.stream() if wants_events(request) else taken.response()
    if wants_events(request):
        return event_stream(taken.events())
    answer = await taken.answer()
    return json_response(answer.body, 201, {"Location": answer.location})


def _cache_use(request: Request) -> CacheUse:
    """RFC 9111, section 5.2.1: `no-cache` wants an answer that is made anew, `no-store` also that nothing is kept."""
    directives = {directive.strip() for directive in request.headers.get("cache-control", "").lower().split(",")}
    if "no-store" in directives:
        return "off"
    return "refresh" if "no-cache" in directives else "use"


@reads.get("", response_model=Page[RiddleOut])
async def list_riddles(
    request: Request,
    day: date | None = None,
    source: Filter = None,
    pipeline: Filter = None,
    status: Literal["published", "needs_review"] | None = None,
    q: Filter = None,
    limit: Limit = 20,
    cursor: Cursor | None = None,
) -> Response:
    """Riddles, newest first."""
    wanted = service.Wanted(day=day, source=source, pipeline=pipeline, status=status, q=q, limit=limit, cursor=cursor)
    return json_response(await service.list_riddles(resources_of(request), wanted, caller_of(request)))


@reads.get("/{riddle_id}", response_model=RiddleOut)
async def get_riddle(riddle_id: str, request: Request, reader: ReaderQuery = None) -> Response:
    """One riddle. Readers get `answer`, `summary` and `provenance` after they solved it or had it revealed."""
    return json_response(await service.get_riddle(resources_of(request), riddle_id, caller_of(request), reader))
