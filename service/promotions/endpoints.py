"""/v1/riddles/{id}/promote and /v1/examples/{id}/approve."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from service.answers import json_response
from service.auth import caller_of
from service.examples.schemas import ExampleOut
from service.promotions import service
from service.promotions.schemas import PromotionIn
from service.resources import resources_of
from service.routing import AdminRoute, WriterRoute

writes = APIRouter(prefix="/v1/riddles", tags=["riddles"], route_class=WriterRoute)
decisions = APIRouter(prefix="/v1/examples", tags=["examples"], route_class=AdminRoute)


@writes.post("/{riddle_id}/promote", status_code=201, response_model=ExampleOut)
async def promote_riddle(riddle_id: str, request: Request, given: PromotionIn | None = None) -> Response:
    """Make a pre-made example of a riddle. It waits for an admin's approval; an admin's own needs none."""
    example = await service.promote(resources_of(request), riddle_id, given or PromotionIn(), caller_of(request))
    return json_response(example, 201, {"Location": f"/v1/examples/{example['id']}"})


@decisions.post("/{example_id}/approve", response_model=ExampleOut)
async def approve_example(example_id: str, request: Request) -> Response:
    """Let an example that waits be retrieved and trained on, from the next riddle on. To reject it, delete it."""
    return json_response(await service.approve(resources_of(request), example_id, caller_of(request)))
