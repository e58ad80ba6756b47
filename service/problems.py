"""Every error answer as RFC 9457 problem+json. No secret, no huge input and no stack trace leaves through here."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from domain import errors as domain
from retrievers.errors import FeedUnreadable, IndexUnavailable
from service.errors import ServiceError, whole_seconds
from service.storage.away import database_is_away
from service.storage.refused_writes import is_full, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI
    from starlette.requests import Request

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:riddlewire:problem:"

_MAX_DETAIL = 500
_MAX_ERRORS = 20
_MAX_LOC_PART = 80
_log = structlog.get_logger("riddlewire.http")

_OF_THE_QUERY = frozenset({"cursor"})
"""Fields that stand in no body."""
_DATABASE = (OperationalError, InterfaceError, InternalError, PoolTimeout)
"""Kinds of which all or some say that the database is away."""
_DOMAIN: tuple[tuple[type[domain.RiddlewireError], int, str, str], ...] = (
    (domain.InvalidInput, 422, "invalid-request", "Request not valid"),
    (domain.NotFound, 404, "not-found", "Not found"),
    (domain.ProviderRateLimited, 503, "provider-rate-limited", "The model's provider is rate-limiting"),
    (domain.ProviderTimedOut, 504, "provider-timed-out", "The model's provider did not answer in time"),
    (domain.ProviderUnavailable, 502, "provider-unavailable", "The model's provider is unavailable"),
    (domain.ProviderBadAnswer, 502, "provider-bad-answer", "The model's provider gave a bad answer"),
    (domain.ProviderError, 502, "provider-failed", "The model's provider failed"),
    (domain.ConfigurationError, 503, "not-configured", "The operator has to change something first"),
    (IndexUnavailable, 503, "index-unavailable", "The example index is unavailable"),
    (FeedUnreadable, 502, "feed-unreadable", "The feed cannot be read"),
    (domain.FetchError, 502, "fetch-failed", "The source could not be fetched"),
)


class Problem:
    """One problem: the body, its status and the headers that go with it."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.headers = dict(headers or {})
        self.body: dict[str, Any] = {
            "type": TYPE_PREFIX + slug,
            "title": title,
            "status": status,
            "detail": _short(detail, _MAX_DETAIL),
        }
        if errors:
            self.body["errors"] = list(errors)

    def as_dict(self, request_id: str) -> dict[str, Any]:
        """The problem object, with the request id as its instance."""
        return {**self.body, "instance": request_id}

    def response(self, request_id: str) -> Response:
        """The problem as an HTTP answer."""
        content = orjson.dumps(self.as_dict(request_id))
        return Response(content, status_code=self.status, headers=self.headers, media_type=MEDIA_TYPE)


def problem_of(exc: Exception) -> Problem:
    """The problem an exception stands for; what nobody foresaw is a 500 that tells nothing."""
    match exc:
        case ServiceError():
            return Problem(exc.status, exc.slug, exc.title, str(exc), headers=exc.headers)
        case domain.RiddlewireError():
            return _of_domain(exc)
        case RequestValidationError():
            return _of_validation(exc)
        case HTTPException():
            return _of_http(exc)
        case SQLAlchemyError() if database_is_away(exc):
            return _of_database(exc)
        case _:
            return Problem(500, "internal", "Internal server error", "this is our fault; the log has it under instance")


def _of_database(exc: SQLAlchemyError) -> Problem:
    cause = exc.orig if isinstance(exc, DBAPIError) else None
    if is_full(cause):
        reason = "the disk of the database is full; nothing new is taken until there is room"
        return Problem(503, "disk-full", "Disk full", reason, headers={"Retry-After": "30"})
    told = "does not answer" if refusal(cause) is None else "is read-only and takes nothing new"
    reason = f"the database {told}; send the request again"
    return Problem(503, "database-unavailable", "Database unavailable", reason, headers={"Retry-After": "2"})


def install(app: FastAPI) -> None:
    """Make every error of `app` an answer of this module."""
    for kind in (domain.RiddlewireError, RequestValidationError, HTTPException, *_DATABASE):
        app.add_exception_handler(kind, _handle)


async def _handle(request: Request, exc: Exception) -> Response:
    if isinstance(exc, InternalError) and not database_is_away(exc):
        raise exc  # nobody foresaw it: the outermost layer logs where it came from
    problem = problem_of(exc)
    if problem.status == HTTPStatus.METHOD_NOT_ALLOWED:
        problem.headers["Allow"] = request.app.state.methods.allowed(request.url.path)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.warning("request failed", error=type(exc).__name__, status=problem.status, reason=str(exc)[:_MAX_DETAIL])
    return problem.response(request_id_of(request))


def request_id_of(request: Request) -> str:
    """The id that the context middleware gave this request."""
    return str(request.scope.get("request_id", ""))


def _of_domain(exc: domain.RiddlewireError) -> Problem:
    for kind, status, slug, title in _DOMAIN:
        if isinstance(exc, kind):
            return Problem(status, slug, title, str(exc), errors=_domain_errors(exc), headers=_retry_after(exc))
    return Problem(500, "internal", "Internal server error", "this is our fault; the log has it under instance")


def _domain_errors(exc: domain.RiddlewireError) -> list[dict[str, Any]]:
    if isinstance(exc, domain.InvalidInput):
        where = ("query", exc.field) if exc.field in _OF_THE_QUERY else ("body", exc.noun, exc.field)
        return [_error(where, exc.reason, "value_error")]
    return []


def _retry_after(exc: domain.RiddlewireError) -> dict[str, str]:
    if isinstance(exc, domain.ProviderRateLimited):
        return {"Retry-After": str(whole_seconds(exc.retry_after_s or 1.0))}
    return {}


def _of_validation(exc: RequestValidationError) -> Problem:
    found = exc.errors()
    errors = [_error(error["loc"], *_said(error)) for error in found[:_MAX_ERRORS]]
    first = f"{'.'.join(str(part) for part in errors[0]['loc'])}: {errors[0]['msg']}" if errors else "not valid"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return Problem(422, "invalid-request", "Request not valid", first + more, errors=errors)


def _said(error: Mapping[str, Any]) -> tuple[str, str]:
    """What pydantic says of an error, and its type. Of a text that is also checked by us it counts `items`."""
    kind, limits = str(error["type"]), error.get("ctx", {})
    if isinstance(error.get("input"), str) and kind == "too_long":
        return f"String should have at most {limits['max_length']} characters", "string_too_long"
    if isinstance(error.get("input"), str) and kind == "too_short":
        return f"String should have at least {limits['min_length']} character", "string_too_short"
    return str(error["msg"]), kind


def _of_http(exc: HTTPException) -> Problem:
    phrase = HTTPStatus(exc.status_code).phrase
    slug = phrase.lower().replace(" ", "-")
    return Problem(exc.status_code, slug, phrase, str(exc.detail or phrase), headers=exc.headers)


def _error(loc: Sequence[str | int], msg: str, kind: str) -> dict[str, Any]:
    parts = [part if isinstance(part, int) else _short(str(part), _MAX_LOC_PART) for part in loc]
    return {"loc": parts, "msg": _short(msg, _MAX_DETAIL), "type": kind}


def _short(text: str, limit: int) -> str:
    clean = text.encode(errors="replace").decode()
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"
