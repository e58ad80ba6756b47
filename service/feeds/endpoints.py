"""/v1/feeds."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from service.answers import json_response
from service.auth import caller_of
from service.feeds import service
from service.feeds.schemas import FeedIn, FeedOut, PullOut
from service.resources import resources_of
from service.routing import AdminRoute, WriterRoute
from service.schemas import Cursor, Limit, Page

reads = APIRouter(prefix="/v1/feeds", tags=["feeds"], route_class=WriterRoute)
writes = APIRouter(prefix="/v1/feeds", tags=["feeds"], route_class=AdminRoute)


@reads.get("", response_model=Page[FeedOut])
async def list_feeds(request: Request, limit: Limit = 20, cursor: Cursor | None = None) -> Response:
    """Feeds, newest first, each with how its last pull went."""
    found = await service.list_feeds(resources_of(request), caller_of(request), limit=limit, cursor=cursor)
    return json_response(found)


@writes.post("", status_code=201, response_model=FeedOut)
async def add_feed(given: FeedIn, request: Request) -> Response:
    """Add a feed. With a schedule it is pulled when that says so next; each story is riddled once."""
    feed = await service.add(resources_of(request), given, caller_of(request))
    return json_response(feed, 201, {"Location": f"/v1/feeds/{feed['id']}"})


@reads.get("/{feed_id}", response_model=FeedOut)
async def get_feed(feed_id: str, request: Request) -> Response:
    """One feed, and how its last pull went."""
    return json_response(await service.get_feed(resources_of(request), feed_id, caller_of(request)))


@writes.put("/{feed_id}", response_model=FeedOut)
async def replace_feed(feed_id: str, given: FeedIn, request: Request) -> Response:
    """Say anew what a feed should be; what came of its entries is remembered."""
    return json_response(await service.replace(resources_of(request), feed_id, given, caller_of(request)))


@writes.delete("/{feed_id}", status_code=204, response_class=Response)
async def remove_feed(feed_id: str, request: Request) -> Response:
    """Remove a feed. Its riddles stay; added again, it begins anew."""
    await service.remove(resources_of(request), feed_id, caller_of(request))
    return Response(status_code=204)


@writes.post("/{feed_id}/pull", status_code=202, response_model=PullOut)
async def pull_feed(feed_id: str, request: Request) -> Response:
    """Pull a feed now. What is new becomes a batch, whose address is in `Location`; without any, `batch` is null."""
    done = await service.pull(resources_of(request), feed_id, caller_of(request))
    headers = {"Location": f"/v1/batches/{done['batch']['id']}"} if done["batch"] else None
    return json_response(done, 202, headers)
