"""/v1/riddles/{id}/guesses, /reveal and /feedback."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from service.answers import json_response
from service.auth import caller_of
from service.guesses import service
from service.guesses.schemas import FeedbackIn, FeedbackOut, FeedbackPage, GuessIn, GuessOut, ReaderIn, RevealOut
from service.resources import resources_of
from service.routing import ReaderRoute, WriterRoute
from service.schemas import Cursor, Limit

reads = APIRouter(prefix="/v1/riddles", tags=["riddles"], route_class=ReaderRoute)
writes = APIRouter(prefix="/v1/riddles", tags=["riddles"], route_class=WriterRoute)


@reads.post("/{riddle_id}/guesses", response_model=GuessOut)
async def guess_riddle(riddle_id: str, given: GuessIn, request: Request) -> Response:
    """Guess. The same guess by the same reader is answered as before and does not count again."""
    return json_response(await service.guess(resources_of(request), riddle_id, given, caller_of(request)))


@reads.post("/{riddle_id}/reveal", response_model=RevealOut)
async def reveal_riddle(riddle_id: str, request: Request, given: ReaderIn | None = None) -> Response:
    """Tell answer, summary and article. Guesses of this reader no longer count as solved."""
    reader = given.reader if given else None
    return json_response(await service.reveal(resources_of(request), riddle_id, reader, caller_of(request)))


@reads.post("/{riddle_id}/feedback", status_code=201, response_model=FeedbackOut)
async def give_feedback(riddle_id: str, given: FeedbackIn, request: Request) -> Response:
    """Rate a riddle. Each reader has one opinion of it: the last."""
    return json_response(await service.give_feedback(resources_of(request), riddle_id, given, caller_of(request)), 201)


@writes.get("/{riddle_id}/feedback", response_model=FeedbackPage)
async def list_feedback(riddle_id: str, request: Request, limit: Limit = 20, cursor: Cursor | None = None) -> Response:
    """What readers think of a riddle, those who came last first."""
    resources, caller = resources_of(request), caller_of(request)
    return json_response(await service.list_feedback(resources, riddle_id, caller, limit=limit, cursor=cursor))
