"""One attempt: a signed POST to the receiver, and what its answer means."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

from domain.storable import storable
from retrievers.connections import checked_connector, system_lookup
from service.storage.delivery_rows import Attempt
from service.webhooks.errors import InvalidWebhook, TargetRefused
from service.webhooks.signing import signed_headers

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import ClientResponse, ClientSession

    from retrievers.connections import Lookup
    from service.storage.delivery_rows import Claimed
    from service.webhooks.targets import TargetPolicy

Outcome = Literal["delivered", "gone", "failed"]

_LONGEST_ERROR = 300
_LONGEST_WAIT_S = 86_400.0
_TELL_WHEN = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of an attempt.

    Args:
        attempt: For the log.
        outcome: `delivered` for 2xx, `gone` when the receiver wants no more of it (410), else `failed`.
        retry_after: How long a receiver that is busy asked us to wait.
    """

    attempt: Attempt
    outcome: Outcome
    retry_after: timedelta | None = None


class Sender:
    """Sends; connections go to allowed addresses only, are made anew each time, and follow nothing.

    No redirects, no cookies, no proxy or credentials from the environment. TLS certificates are verified. Of an answer
    only status and headers are read: what receivers say beyond that is nobody's business here.

    Args:
        policy: Where to it may be sent.
        timeout_s: Seconds for one attempt: resolving, connecting, and the answer's headers.
        limit: Connections at once.
        lookup: How names are resolved.
        clock: The moment, in UTC; tests pass their own.
    """

    def __init__(
        self,
        policy: TargetPolicy,
        *,
        timeout_s: float,
        limit: int,
        lookup: Lookup = system_lookup,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._policy = policy
        self._timeout_s = timeout_s
        self._limit = limit
        self._lookup = lookup
        self._clock = clock
        self._session: ClientSession | None = None

    async def send(self, claimed: Claimed) -> Sent:
        """Make one attempt. A receiver that misbehaves in whatever way is an outcome, not an error."""
        at, started = self._clock(), time.perf_counter()
        try:
            answer = await self._post(claimed, at)
        except Exception as error:  # noqa: BLE001 -- what a hostile receiver provokes must count as a try, or it is retried for ever
            answer = _Answer(None, self._reason(error))
        duration_ms = round((time.perf_counter() - started) * 1000)
        attempt = Attempt(at=at, status_code=answer.status, error=answer.error, duration_ms=duration_ms)
        return Sent(attempt=attempt, outcome=answer.outcome, retry_after=answer.retry_after)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, claimed: Claimed, at: datetime) -> _Answer:
        target = self._policy.checked(claimed.url)  # again: the operator may have changed what is allowed
        headers = {
            "Content-Type": "application/json",
            **signed_headers(claimed.id, at, claimed.body, claimed.secret),
        }
        async with (
            asyncio.timeout(self._timeout_s),
            self._opened().post(target, data=claimed.body, headers=headers, allow_redirects=False) as response,
        ):
            return _read(response, at)

    def _opened(self) -> ClientSession:
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=checked_connector(self._policy.allows, self._lookup, TargetRefused, limit=self._limit),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                headers={"User-Agent": f"Riddlewire/{version('riddlewire')} (webhooks)", "Accept": "*/*"},
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    def _reason(self, error: Exception) -> str:
        match error:
            case TimeoutError():
                return f"no answer within {self._timeout_s:g} s"
            case InvalidWebhook() | TargetRefused():
                return str(error)
            case _:
                return storable(f"{type(error).__name__}: {error}")[:_LONGEST_ERROR]


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int | None
    error: str | None = None
    outcome: Outcome = "failed"
    retry_after: timedelta | None = None


def _read(response: ClientResponse, now: datetime) -> _Answer:
    status = response.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return _Answer(status, outcome="delivered")
    if status == HTTPStatus.GONE:
        return _Answer(status, "answered 410: the receiver wants no more of it", "gone")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return _Answer(status, f"answered {status}: redirects are not followed")
    return _Answer(status, f"answered {status}", retry_after=_asked_to_wait(response, now))


def _asked_to_wait(response: ClientResponse, now: datetime) -> timedelta | None:
    from chains.models.retries import retry_after

    if response.status not in _TELL_WHEN:
        return None
    seconds = retry_after({name.lower(): value for name, value in response.headers.items()}, now=now)
    return None if seconds is None else timedelta(seconds=min(seconds, _LONGEST_WAIT_S))
