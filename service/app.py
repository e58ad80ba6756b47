"""The application: routes, one layer around them, and the resources they share."""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

import structlog
from fastapi import FastAPI

from domain.errors import RiddlewireError
from service import docs_page, openapi, problems
from service.batches import endpoints as batches
from service.examples import endpoints as examples
from service.feeds import endpoints as feeds
from service.guesses import endpoints as guesses
from service.limits import endpoints as limits
from service.middleware.request_context import RequestContext
from service.opening import open_resources
from service.operations import endpoints as operations
from service.pipelines import endpoints as pipelines
from service.promotions import endpoints as promotions
from service.prompts import endpoints as prompts
from service.riddles import endpoints as riddles
from service.routing import MethodTable
from service.webhooks import endpoints as webhooks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.settings import Settings

_log = structlog.get_logger("riddlewire.server")

ROUTERS = (
    riddles.writes,
    riddles.reads,
    batches.writes,
    batches.reads,
    guesses.reads,
    guesses.writes,
    promotions.writes,
    promotions.decisions,
    operations.router,
    examples.imports,
    examples.reads,
    examples.writes,
    pipelines.reads,
    pipelines.writes,
    prompts.reads,
    webhooks.router,
    feeds.reads,
    feeds.writes,
    limits.reads,
)


def create_app(settings: Settings) -> FastAPI:
    """The ASGI application; it opens its resources when the server starts it and closes them when it stops.

    Args:
        settings: What the operator set; the environment is not looked at again.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with open_resources(settings, serving=True) as resources:
                app.state.resources = resources
                yield
        except RiddlewireError as error:  # told in one line, and not only in the log
            app.state.refusal = error
            _log.error("cannot serve", reason=str(error))  # in a traceback, which logs shorten, it would come last
            raise

    app = FastAPI(
        title="Riddlewire",
        version=version("riddlewire"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.add_middleware(RequestContext)
    for router in ROUTERS:
        app.router.routes.extend(router.routes)  # `include_router` would match and handle every request twice
    app.state.refusal = None
    app.state.methods = MethodTable(route for router in ROUTERS for route in router.routes)
    problems.install(app)
    openapi.install(app)
    docs_page.install(app)
    return app
