"""A batch that a Riddlewire server works on."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from service.cli.hostile import clean_line
from service.cli.remote import ServerUnreachable, refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientSession

_CONNECT_TIMEOUT_S: Final = 10.0
_SILENCE_TIMEOUT_S: Final = 120.0
_PATIENCE_S: Final = 120.0
"""A server that restarts is waited for: the batch is safe there."""
_ACCEPTED: Final = (200, 202)


@asynccontextmanager
async def connected(url: str, key: str | None) -> AsyncIterator[RemoteBatches]:
    """A connection to the server at `url`."""
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S, sock_read=_SILENCE_TIMEOUT_S)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
        yield RemoteBatches(session, url.rstrip("/"))


class RemoteBatches:
    """The server's batches.

    Every call is made again while the server cannot be reached; sending is safe to repeat, since it has a key.
    """

    def __init__(self, session: ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def send(self, body: bytes, pipeline: str | None, name: str) -> dict[str, Any]:
        """Send articles as JSON lines; the same again finds the batch there is.

        Raises:
            ServerUnreachable: It does not answer.
            RiddlewireError: It refuses.
        """
        headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": name}
        params = {"pipeline": pipeline} if pipeline else {}
        return await self._json("POST", "/v1/batches", data=body, headers=headers, params=params)

    async def look(self, batch_id: str) -> dict[str, Any]:
        """How far a batch is."""
        return await self._json("GET", f"/v1/batches/{batch_id}")

    async def results(self, batch_id: str) -> AsyncIterator[bytes]:
        """All items, as JSON lines in pieces."""
        import aiohttp

        path = f"{self._url}/v1/batches/{batch_id}/results"
        try:
            async with self._session.get(
                path, headers={"Accept": "application/x-ndjson"}, allow_redirects=False
            ) as response:
                if response.status not in _ACCEPTED:
                    raise await refusal(response)
                async for piece in response.content.iter_any():
                    yield piece
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(self._url, error) from None

    async def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        tries = AsyncRetrying(
            retry=retry_if_exception_type(ServerUnreachable),
            wait=wait_random_exponential(multiplier=0.5, max=10),
            stop=stop_after_delay(_PATIENCE_S),
            reraise=True,
        )
        async for attempt in tries:
            with attempt:
                return await self._once(method, path, options)
        raise AssertionError("tenacity tries once at least, and raises the last error")

    async def _once(self, method: str, path: str, options: dict[str, Any]) -> dict[str, Any]:
        import aiohttp

        try:
            async with self._session.request(
                method, f"{self._url}{path}", allow_redirects=False, **options
            ) as response:
                if response.status not in _ACCEPTED:
                    raise await refusal(response)
                answer: dict[str, Any] = json.loads(await response.read())
                return answer
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise _unreachable(self._url, error) from None


def _unreachable(url: str, error: Exception) -> ServerUnreachable:
    return ServerUnreachable(url, clean_line(str(error)) or type(error).__name__)
