"""A riddle made by a Riddlewire server, event by event, instead of in this process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from domain.errors import ConfigurationError, InvalidInput, ProviderError, RiddlewireError
from service.cli.hostile import clean_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from aiohttp import ClientResponse

    from domain.article import Article

_CONNECT_TIMEOUT_S = 10.0
_SILENCE_TIMEOUT_S = 120.0
_MAX_EVENT_BYTES = 4 * 1024 * 1024
_MAX_DETAIL = 500
_NOT_NOW = (429, 502, 503, 504)
_PERMANENT = ("budget-exhausted", "disk-full", "not-configured")
"""Kinds of problems with such a status that waiting for minutes does not solve."""


class ServerUnreachable(RiddlewireError):
    """No answer from the server."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"no answer from {url}: {reason}; is 'riddlewire serve' running there?")


class ServerFailed(RiddlewireError):
    """The server answered that it could not, or something that is not Riddlewire's."""


class NotRiddlewire(ServerFailed):
    """Something answers there that is no Riddlewire server, or stands before one."""

    def __init__(self, url: str, status: int) -> None:
        super().__init__(f"{url} answered {status} and not as Riddlewire does; is it a Riddlewire server?")


class ServerBusy(ServerFailed):
    """The server, or a proxy before it, answered that it cannot now, and may later.

    Args:
        told: What it said.
        retry_after_s: How long it wants to be left alone; None when it did not say.
    """

    def __init__(self, told: str, retry_after_s: float | None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(told)


class ServerRefusedKey(ConfigurationError):
    """401 or 403."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"the server refuses: {detail}; set RIDDLEWIRE_API_KEY to a key with the role writer")


async def remote_events(
    article: Article, *, url: str, key: str | None, pipeline: str | None, fresh: bool = False
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """The events of `POST /v1/riddles`: name and data, `result` last.

    Args:
        article: What the riddle is to be made of.
        url: The server, such as `http://127.0.0.1:8000`.
        key: An API key; None where the server asks for none.
        pipeline: None takes the server's default.
        fresh: Let the server ask models anew what they have answered before.

    Raises:
        ServerUnreachable: It does not answer.
        ServerRefusedKey: It wants a key, or another one.
        InvalidInput: It cannot use the article.
        ProviderError: Its model's provider failed.
        ServerFailed: Anything else.
    """
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S, sock_read=_SILENCE_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, read_bufsize=_MAX_EVENT_BYTES) as session,
            session.post(
                f"{url.rstrip('/')}/v1/riddles",
                json={"article": _article_body(article)} | ({"pipeline": pipeline} if pipeline else {}),
                headers=_headers(key, fresh=fresh),
                allow_redirects=False,
            ) as response,
        ):
            async for event, data in _events(response):
                if event == "error":
                    raise _problem(data)
                yield event, data
                if event == "result":
                    return
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise ServerUnreachable(url, clean_line(str(error)) or type(error).__name__) from None
    raise ServerFailed(f"{url} stopped before the riddle was done; try again")


def _headers(key: str | None, *, fresh: bool) -> dict[str, str]:
    headers = {"Accept": "text/event-stream"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    if fresh:
        headers["Cache-Control"] = "no-cache"
    return headers


async def _events(response: ClientResponse) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    if response.content_type != "text/event-stream":
        raise await refusal(response)
    event, data = "message", ""
    async for raw in response.content:
        line = raw.decode(errors="replace").rstrip("\r\n")
        field, _, value = line.partition(":")
        match field:
            case "event":
                event = value.removeprefix(" ")
            case "data":
                data += value.removeprefix(" ")
            case "" if not line and data:
                yield event, json.loads(data)
                event, data = "message", ""


async def refusal(response: ClientResponse) -> RiddlewireError:
    """What a server's answer that is none of those wanted says."""
    from retrievers.retry_after import parse_retry_after

    body = await response.content.read(_MAX_EVENT_BYTES)
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict) or "detail" not in problem:
        return _of_a_stranger(response)
    error = _problem(problem)
    if isinstance(error, ServerFailed) and _may_change(response.status, _kind(problem)):
        return ServerBusy(str(error), parse_retry_after(response.headers.get("Retry-After")))
    return error


def _of_a_stranger(response: ClientResponse) -> RiddlewireError:
    from retrievers.retry_after import parse_retry_after

    if response.status in _NOT_NOW:
        told = f"{response.url.origin()} answered {response.status}: what stands before the server got no answer"
        return ServerBusy(told, parse_retry_after(response.headers.get("Retry-After")))
    return NotRiddlewire(str(response.url), response.status)


def _may_change(status: int, kind: str) -> bool:
    """Whether the same request may be answered otherwise after a while, without anybody doing something about it."""
    if kind in _PERMANENT:
        return False
    return status in _NOT_NOW or kind == "request-in-progress"


def _kind(problem: Mapping[str, Any]) -> str:
    return str(problem.get("type", "")).rpartition(":")[2]


def _problem(problem: Mapping[str, Any]) -> RiddlewireError:
    detail = clean_line(str(problem.get("detail", "")))[:_MAX_DETAIL]
    kind = _kind(problem)
    match _status(problem):
        case 401 | 403:
            return ServerRefusedKey(detail)
        case 413 | 422:
            return InvalidInput("for the server", f"cannot be used: {detail}")
        case _ if kind.startswith("provider-"):
            return _ServersProvider(detail)
        case status:
            return ServerFailed(f"the server answered {status}: {detail}")


def _status(problem: Mapping[str, Any]) -> int:
    status = problem.get("status")
    return status if isinstance(status, int) else 500


class _ServersProvider(ProviderError):
    def __init__(self, detail: str) -> None:
        RiddlewireError.__init__(self, f"the server says: {detail}")


def _article_body(article: Article) -> dict[str, Any]:
    fields = {
        "text": article.text,
        "title": article.title,
        "url": article.url,
        "source": article.source,
        "published_at": article.published_at.isoformat() if article.published_at else None,
        "language": article.language,
    }
    return {name: value for name, value in fields.items() if value is not None}
