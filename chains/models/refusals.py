"""What a service's refusal means: statuses and error bodies as errors of ours."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson

from chains.models.redaction import clean_reason
from chains.models.retries import QuotaExhausted, retry_after
from domain.errors import (
    ProviderBadAnswer,
    ProviderError,
    ProviderRateLimited,
    ProviderTimedOut,
    ProviderUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NO_QUOTA = "insufficient_quota"


def error_of_status(
    provider: str, status: int, headers: Mapping[str, str], body: bytes, secrets: Iterable[str] = ()
) -> ProviderError:
    """The error for an answer whose HTTP status is not 200."""
    error = _error_object(body)
    said = clean_reason(_words(error) if error is not None else body.decode(errors="replace"), secrets)
    reason = f"HTTP {status}: {said}" if said else f"HTTP {status}"
    return _leaf(status, error)(provider, reason, retry_after_s=retry_after(headers))


def error_in_body(provider: str, error: object, secrets: Iterable[str] = ()) -> ProviderError:
    """The error for an answer of status 200 whose body, or a chunk of whose stream, is an error object."""
    code = error.get("code") if isinstance(error, dict) else None
    status = int(code) if isinstance(code, int) or (isinstance(code, str) and code.isdecimal()) else HTTPStatus.OK
    return _leaf(status, error)(provider, clean_reason(_words(error), secrets))


def _leaf(status: int, error: object) -> type[ProviderError]:
    if isinstance(error, dict) and _NO_QUOTA in (error.get("code"), error.get("type")):
        return QuotaExhausted
    return leaf_of_status(status)


def leaf_of_status(status: int) -> type[ProviderError]:
    """What an HTTP status other than 200 means for us."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return ProviderRateLimited
    if status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT):
        return ProviderTimedOut
    return ProviderUnavailable if status >= HTTPStatus.INTERNAL_SERVER_ERROR else ProviderBadAnswer


def _error_object(body: bytes) -> object | None:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(answer, dict):
        return None
    error: Any = answer.get("error") or answer.get("detail") or answer.get("message")
    return error or None


def _words(error: object) -> str:
    if isinstance(error, dict):
        return str(error.get("message") or error.get("detail") or error)
    return str(error)
