"""/livez, /readyz and /metrics: open to everybody who can reach the service, and cheap."""

import asyncio
from typing import Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from service.answers import json_response
from service.operations.readiness import readiness
from service.resources import resources_of
from service.schemas import Answer
from service.telemetry import metrics

router = APIRouter(tags=["operations"])


class LivezOut(Answer):
    """The process answers."""

    status: Literal["alive"]


class DependencyOut(Answer):
    """One thing the service needs."""

    status: Literal["ready", "warming", "not started", "degraded", "failed"]
    detail: str


class ReadyzOut(Answer):
    """Whether requests can be answered: everything but `unavailable` comes with 200."""

    status: Literal["ready", "warming", "degraded", "unavailable"]
    dependencies: dict[str, DependencyOut]


@router.get("/livez", response_model=LivezOut)
async def livez() -> Response:
    """The process answers; says nothing of what it depends on."""
    return json_response({"status": "alive"})


@router.get("/readyz", response_model=ReadyzOut, responses={503: {"model": ReadyzOut}})
async def readyz(request: Request) -> Response:
    """Whether riddles can be made, with the state of everything that takes."""
    report = await readiness(resources_of(request))
    return json_response(report, 503 if report["status"] == "unavailable" else 200)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def show_metrics(request: Request) -> Response:
    """Prometheus' text format."""
    accept = request.headers.get("accept", "")
    content, media_type = await asyncio.to_thread(metrics.exposition, accept)  # it asks the database
    return Response(content, media_type=media_type)
