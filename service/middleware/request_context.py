"""The one layer around the application: request id, logs, metrics, and the last word on errors nobody foresaw."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from typing import TYPE_CHECKING

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect

from service.errors import ShuttingDown
from service.problems import problem_of
from service.telemetry import metrics
from service.telemetry.tracing import name_request_span, request_span

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from service.errors import ServiceError

HEADER = b"x-request-id"
_SANE = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,127}")
_QUIET = frozenset({"/livez", "/readyz", "/metrics"})
_NONE: dict[str, str] = {}
_log = structlog.get_logger("riddlewire.http")


class RequestContext:
    """Gives every request an id, every answer that id, and every request one log line and one observation."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other protocols pass through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] == "HEAD":  # the server leaves the body out, for it still sees what was asked
            scope = {**scope, "method": "GET"}
        exchange = _Exchange(scope, receive, send)
        with (
            structlog.contextvars.bound_contextvars(request_id=exchange.request_id),
            request_span(scope["method"], Headers(scope=scope)),
        ):
            try:
                await self.app(scope, receive, exchange.send)
            except asyncio.CancelledError:  # the server gave up waiting for this request at shutdown
                await exchange.refuse(ShuttingDown())
                raise
            except ClientDisconnect:
                _log.info("the client left before its request was complete")
            except Exception as exc:  # noqa: BLE001 -- the outermost boundary: nothing may reach the client raw
                await exchange.fail(exc)
            finally:
                exchange.record()


class _Exchange:
    """One request and its answer, as far as this layer cares."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.status = 0
        self.started = time.perf_counter()
        self.request_id = request_id(scope)
        self._receive = receive
        self._send = send
        scope["request_id"] = self.request_id

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(raw=message["headers"])
            headers["X-Request-Id"] = self.request_id
            headers["X-Content-Type-Options"] = "nosniff"
            for name, value in self.scope.get("rate_headers", _NONE).items():
                headers[name] = value
        await self._send(message)

    async def refuse(self, reason: ServiceError) -> None:
        """Answer with a problem, if no answer has begun."""
        if not self.status:
            await problem_of(reason).response(self.request_id)(self.scope, self._receive, self.send)

    async def fail(self, exc: Exception) -> None:
        _log.exception("unforeseen error", error=type(exc).__name__, path=self.scope["path"][:200])
        if self.status:  # the answer has begun: closing the connection is all that can tell the client
            raise exc
        await problem_of(exc).response(self.request_id)(self.scope, self._receive, self.send)

    def record(self) -> None:
        seconds = time.perf_counter() - self.started
        route = getattr(self.scope.get("route"), "path", "unmatched")
        name_request_span(route, self.status)
        metrics.observe_request(self.scope["method"], route, self.status, seconds)
        if route not in _QUIET:
            _log.info(
                "request", method=self.scope["method"], route=route, status=self.status, ms=round(seconds * 1e3, 2)
            )


def request_id(scope: Scope) -> str:
    """The caller's id when it is sane, else a new one."""
    for name, value in scope["headers"]:
        if name == HEADER and _SANE.fullmatch(value):
            return bytes(value).decode("ascii")
    return uuid.uuid4().hex
