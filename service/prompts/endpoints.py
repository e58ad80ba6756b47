"""/v1/prompts."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from service.answers import json_response
from service.prompts import service
from service.prompts.schemas import PromptOut, PromptSummaryOut
from service.resources import resources_of
from service.routing import ReaderRoute
from service.schemas import Page

reads = APIRouter(prefix="/v1/prompts", tags=["prompts"], route_class=ReaderRoute)


@reads.get("", response_model=Page[PromptSummaryOut])
async def list_prompts(request: Request) -> Response:
    """Every version of every prompt, without the texts."""
    return json_response(service.list_prompts(resources_of(request)))


@reads.get("/{name}", response_model=PromptOut)
async def get_prompt(name: str, request: Request) -> Response:
    """The latest version of a prompt."""
    return json_response(service.get_prompt(resources_of(request), name))


@reads.get("/{name}/{version}", response_model=PromptOut)
async def get_prompt_version(name: str, version: Annotated[int, Path(ge=1)], request: Request) -> Response:
    """One version of a prompt."""
    return json_response(service.get_prompt(resources_of(request), name, version))
