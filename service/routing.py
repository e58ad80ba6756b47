"""Routes that check who asks, what they send and how much of it, before a byte of the body is parsed.

FastAPI reads and parses a body before it resolves dependencies, so a dependency cannot keep an unknown caller's two
megabytes out. Its own `max_body_size` answers in plain text where we promise problem+json, hence the counting here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import orjson
from fastapi.routing import APIRoute
from starlette.requests import Request

from domain.errors import NotFound
from service.auth import admit
from service.errors import BodyTooLarge, UnsupportedContentType, UnsupportedEncoding

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable

    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from service.keys import Role
    from service.resources import Resources

JSON = ("application/json",)
NDJSON = ("application/x-ndjson", "application/jsonl")


class LimitedRequest(Request):
    """A request that stops reading at `body_limit` bytes and parses JSON strictly.

    `orjson` refuses NaN, lone surrogates, invalid UTF-8 and nesting deeper than 1,024 levels, all of which Python's
    own parser lets through or dies of.
    """

    body_limit: int = 0

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body's chunks.

        Raises:
            BodyTooLarge: As soon as the limit is passed, whatever Content-Length said.
        """
        seen = 0
        async for chunk in super().stream():
            seen += len(chunk)
            if seen > self.body_limit:
                raise BodyTooLarge(self.body_limit)
            yield chunk

    async def json(self) -> Any:
        """The parsed body; raises `json.JSONDecodeError` when it is no JSON text."""
        return orjson.loads(await self.body())


class ApiRoute(APIRoute):
    """A route under /v1: key, rate and role first, then content type and size, then FastAPI's part."""

    role: ClassVar[Role] = "reader"

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler behind our checks."""
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            if "\x00" in request.scope["path"]:
                raise NotFound(
                    "path", request.scope["path"].replace("\x00", "\ufffd")
                )  # PostgreSQL cannot even look for it
            resources: Resources = request.app.state.resources
            await admit(request, self.role, resources)
            limited = LimitedRequest(request.scope, request.receive)
            limited.body_limit = self.body_limit(resources)
            if self.accepts:
                _check_body(limited, self.accepts)
            if self.body_field:
                await limited.body()  # here, since FastAPI would call a body that is too large one it cannot parse
            return await handle(limited)

        return checked

    @property
    def accepts(self) -> tuple[str, ...]:
        """Content types this route takes; none for calls without a body."""
        return JSON if self.body_field else ()

    def body_limit(self, resources: Resources) -> int:
        """How many bytes this route reads."""
        return resources.settings.limits.body_bytes


class ReaderRoute(ApiRoute):
    """Any key will do."""

    role = "reader"


class WriterRoute(ApiRoute):
    """Changes something or costs model time: needs a writer's key."""

    role = "writer"


class AdminRoute(ApiRoute):
    """Decides for everybody: needs an admin's key."""

    role = "admin"


class ImportRoute(WriterRoute):
    """Takes newline-delimited JSON, read as a stream by the endpoint."""

    @property
    def accepts(self) -> tuple[str, ...]:
        """Newline-delimited JSON under either of its names."""
        return NDJSON

    def body_limit(self, resources: Resources) -> int:
        """More than other calls take, for it is never held as a whole."""
        return resources.settings.limits.import_bytes


class BatchRoute(WriterRoute):
    """Takes a batch, as JSON or as newline-delimited JSON."""

    @property
    def accepts(self) -> tuple[str, ...]:
        """Both forms."""
        return JSON + NDJSON

    def body_limit(self, resources: Resources) -> int:
        """Room for tens of thousands of articles."""
        return resources.settings.limits.batch_bytes


def is_ndjson(request: Request) -> bool:
    """Whether a body is newline-delimited JSON."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() in NDJSON


def _check_body(request: LimitedRequest, accepted: tuple[str, ...]) -> None:
    declared = request.headers.get("content-length", "" if "transfer-encoding" in request.headers else "0")
    if declared.isdigit() and int(declared) > request.body_limit:
        raise BodyTooLarge(request.body_limit, declared=int(declared))
    encoding = request.headers.get("content-encoding", "")
    if encoding.strip().lower() not in ("", "identity"):
        raise UnsupportedEncoding(encoding)
    got = request.headers.get("content-type", "")
    if got.partition(";")[0].strip().lower() not in accepted and (declared != "0" or got):
        raise UnsupportedContentType(got, accepted)


class MethodTable:
    """Which methods a path answers to: FastAPI knows one per route, and a 405 has to name them all.

    Args:
        routes: All routes.
    """

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._routes = [route for route in routes if isinstance(route, APIRoute)]

    def allowed(self, path: str) -> str:
        """As the header Allow wants it; empty for a path that nothing answers."""
        found = {method for route in self._routes if route.path_regex.match(path) for method in route.methods or ()}
        return ", ".join(sorted(found | {"HEAD"} if "GET" in found else found))
