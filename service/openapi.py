"""The OpenAPI document: FastAPI's, with the key schemes and the problems that every call can answer with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from service.batches.schemas import BatchRequest
from service.schemas import ProblemOut

if TYPE_CHECKING:
    from fastapi import FastAPI

DESCRIPTION = """\
Turns news articles into riddles. Errors are RFC 9457 problem documents; `instance` is the request id, which is also in
the `X-Request-Id` header. Lists page by an opaque `cursor`.
"""

_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_COMMON = {
    "401": "No key or an unknown one, where keys are on.",
    "403": "The key has not the role.",
    "422": "Not valid: `errors` says where and why.",
    "429": "Over the key's rate: `Retry-After` says for how long.",
    "503": "Cannot be done now.",
}
_WITH_BODY = {"413": "The body is too large.", "415": "Not a content type this call takes."}
_NAMED = {"404": "There is no such thing."}
_BATCH_CALLS = {
    "404": "There is no such pipeline.",
    "409": "The first request with this `Idempotency-Key` is still running.",
}
_RIDDLE_CALLS = {
    "404": "There is no such pipeline.",
    "409": "The first request with this `Idempotency-Key` is still running.",
    "502": "The model's provider gave a bad answer, after retries and fallbacks.",
    "504": "The model's provider did not answer in time, after retries and fallbacks.",
}
_PLAYED = {"409": "The riddle waits for review and is not played."}
_PLAYS = ("/guesses", "/reveal", "/feedback")


def install(app: FastAPI) -> None:
    """Make `app.openapi()` give our document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way


def _document(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
    components = schema.setdefault("components", {})
    components["securitySchemes"] = _SCHEMES
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["ProblemOut"] = problem
    batch = BatchRequest.model_json_schema(ref_template="#/components/schemas/{model}")  # its endpoint reads it itself
    schemas.update(batch.pop("$defs"))
    schemas["BatchRequest"] = batch
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            _complete(path, method, operation)
    return schema


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    """Add to one operation what all of its kind share."""
    responses = operation["responses"]
    responses.pop("422", None)
    if not path.startswith("/v1/"):
        return
    operation["security"] = [{"bearer": []}, {"apiKey": []}, {}]
    told = dict(_COMMON)
    if "requestBody" in operation:
        told |= _WITH_BODY
    if "{" in path:
        told |= _NAMED
    if method == "post" and path.endswith(_PLAYS):
        told |= _PLAYED
    if (path, method) in (("/v1/riddles", "post"), ("/v1/pipelines/compare", "post")):
        told |= _RIDDLE_CALLS
    if (path, method) == ("/v1/batches", "post"):
        told |= _BATCH_CALLS
    if path.endswith("/promote"):
        told |= {"409": "Somebody else's promotion of the riddle waits for approval."}
    if path.endswith("/cancel"):
        told |= {"409": "The batch is finished."}
    for status, description in sorted(told.items()):
        responses[status] = {"description": description, "content": {"application/problem+json": {"schema": _PROBLEM}}}


_PROBLEM = {"$ref": "#/components/schemas/ProblemOut"}
