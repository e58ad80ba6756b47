"""Sends one request to an OpenAI-compatible service and reads its answer: lean, bounded, with errors of ours.

Every error is a `ProviderError` leaf whose reason is the provider's own word, cleaned of secrets.
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson

from chains.models.redaction import clean_reason
from chains.models.refusals import error_in_body, error_of_status
from chains.models.sse import EventDecoder
from domain.errors import ProviderBadAnswer, ProviderError, ProviderTimedOut, ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    from chains.models.sessions import Sessions
    from chains.models.settings import ProviderSettings

_DONE = b"[DONE]"
_STREAMS = ("text/event-stream", "application/octet-stream")  # the latter is what a missing header means
_LONGEST_ERROR_BODY = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where requests go and how long they may take.

    Args:
        provider: Its name in errors.
        url: The whole URL, `.../chat/completions`.
        headers: Sent as they are.
        secrets: Hidden wherever they turn up in an error.
        timeout_s: One whole attempt.
        connect_timeout_s: Until the connection stands.
        stall_timeout_s: Longest silence while reading; None is `timeout_s`.
        max_response_bytes: Longer answers are refused.
        proxy: HTTP proxy to go through.
    """

    provider: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    timeout_s: float = 60.0
    connect_timeout_s: float = 10.0
    stall_timeout_s: float | None = None
    max_response_bytes: int = 8 * 1024 * 1024
    proxy: str | None = None

    @classmethod
    def of(cls, limits: ProviderSettings, *, timeout_s: object = None, **where: Any) -> Endpoint:
        """An endpoint with a provider's limits; `timeout_s` in any form `ChatOpenAI` takes goes before theirs."""
        endpoint = cls(
            timeout_s=limits.timeout_s,
            connect_timeout_s=limits.connect_timeout_s,
            stall_timeout_s=limits.stall_timeout_s,
            max_response_bytes=limits.max_response_bytes,
            **where,
        )
        return endpoint.timed(timeout_s)

    def timed(self, timeout: object) -> Endpoint:
        """The same with another time limit: seconds, or `(connect, whole)`; anything else changes nothing."""
        match timeout:
            case bool() | None:
                return self
            case int() | float():
                return self if timeout == self.timeout_s else replace(self, timeout_s=float(timeout))
            case (float() | int() as connect, float() | int() as whole):
                return replace(self, connect_timeout_s=float(connect), timeout_s=float(whole))
        return self

    def for_call(self, payload: dict[str, Any]) -> Endpoint:
        """Take out of a payload what the openai SDK would not send as a field either, and obey it."""
        payload.update(payload.pop("extra_body", None) or {})
        endpoint = self.timed(payload.pop("timeout", None))
        extra = payload.pop("extra_headers", None)
        return replace(endpoint, headers={**endpoint.headers, **extra}) if extra else endpoint


async def post(sessions: Sessions, endpoint: Endpoint, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one request as a JSON object that is no error.

    Raises:
        ProviderRateLimited: 429.
        ProviderTimedOut: No answer, or a part of it missing, in time.
        ProviderUnavailable: No connection, a broken one, or 5xx.
        ProviderBadAnswer: Another status, or something that is no JSON object, or too much of it.
    """
    async with _sent(sessions, endpoint, payload) as response:
        body = await _read(response, endpoint.max_response_bytes, endpoint)
    return _parse(body, endpoint)


async def stream(
    sessions: Sessions, endpoint: Endpoint, payload: Mapping[str, Any]
) -> AsyncGenerator[dict[str, Any], None]:
    """The chunks of a streamed answer as they come in.

    A stream has to end with `[DONE]` or at least give a `finish_reason`: without both it was cut.

    Raises:
        ProviderError: As `post`; `ProviderUnavailable` when the stream is cut.
    """
    async with _sent(sessions, endpoint, payload) as response:
        if response.content_type not in _STREAMS:  # an error, or a service that cannot stream
            _parse(await _read(response, endpoint.max_response_bytes, endpoint), endpoint)
            raise ProviderBadAnswer(endpoint.provider, "a whole answer where a stream was asked for")
        finished = False
        async for data in _events(response, endpoint):
            if data == _DONE:
                return
            chunk = _parse(data, endpoint)
            finished = finished or _is_last(chunk)
            yield chunk
    if not finished:
        raise ProviderUnavailable(endpoint.provider, "the stream was cut before its end")


@asynccontextmanager
async def _sent(
    sessions: Sessions, endpoint: Endpoint, payload: Mapping[str, Any]
) -> AsyncIterator[aiohttp.ClientResponse]:
    started = time.monotonic()
    session = await sessions.get()
    try:
        async with session.post(
            endpoint.url,
            data=orjson.dumps(payload),
            headers=endpoint.headers,
            timeout=_timeout(endpoint),
            proxy=endpoint.proxy,
            ssl=sessions.tls() if endpoint.url.startswith("https:") else True,
            allow_redirects=False,
        ) as response:
            if response.status != HTTPStatus.OK:
                raise await _refusal(response, endpoint)
            yield response
    except TimeoutError as error:
        waited = time.monotonic() - started
        raise ProviderTimedOut(endpoint.provider, f"no answer within {waited:.1f} s") from error
    except aiohttp.ClientError as error:
        reason = clean_reason(str(error) or type(error).__name__, endpoint.secrets)
        raise ProviderUnavailable(endpoint.provider, f"connection failed: {reason}") from error


def _timeout(endpoint: Endpoint) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=endpoint.timeout_s, connect=endpoint.connect_timeout_s, sock_read=endpoint.stall_timeout_s
    )


async def _refusal(response: aiohttp.ClientResponse, endpoint: Endpoint) -> ProviderError:
    body = await _read_some(response, _LONGEST_ERROR_BODY)
    return error_of_status(endpoint.provider, response.status, response.headers, body, endpoint.secrets)


async def _read(response: aiohttp.ClientResponse, limit: int, endpoint: Endpoint) -> bytes:
    body = await _read_some(response, limit + 1)
    if len(body) > limit:
        raise ProviderBadAnswer(endpoint.provider, f"the answer is longer than {limit} bytes")
    return body


async def _read_some(response: aiohttp.ClientResponse, limit: int) -> bytes:
    body = bytearray()
    while len(body) < limit and (piece := await response.content.readany()):
        body += piece
    return bytes(body)


async def _events(response: aiohttp.ClientResponse, endpoint: Endpoint) -> AsyncIterator[bytes]:
    decoder = EventDecoder()
    left = endpoint.max_response_bytes
    while piece := await response.content.readany():
        left -= len(piece)
        if left < 0:
            limit = endpoint.max_response_bytes
            raise ProviderBadAnswer(endpoint.provider, f"the answer is longer than {limit} bytes")
        for data in decoder.feed(piece):
            yield data
    for data in decoder.close():
        yield data


def _is_last(chunk: dict[str, Any]) -> bool:
    choices = chunk.get("choices")
    return isinstance(choices, list) and any(isinstance(one, dict) and one.get("finish_reason") for one in choices)


def _parse(body: bytes, endpoint: Endpoint) -> dict[str, Any]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        reason = clean_reason(body.decode(errors="replace"), endpoint.secrets)
        raise ProviderBadAnswer(endpoint.provider, f"not JSON: {reason}") from None
    if not isinstance(answer, dict):
        raise ProviderBadAnswer(endpoint.provider, f"not a JSON object but {type(answer).__name__}")
    if answer.get("error"):
        raise error_in_body(endpoint.provider, answer["error"], endpoint.secrets)
    return answer
