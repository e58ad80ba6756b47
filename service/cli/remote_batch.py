"""A batch that a Riddlewire server works on."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from service.cli.hostile import clean_line
from service.cli.remote import NotRiddlewire, ServerFailed, ServerUnreachable, refusal
from service.cli.remote_patience import ServerPatience

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientResponse, ClientSession

_CONNECT_TIMEOUT_S: Final = 10.0
_SILENCE_TIMEOUT_S: Final = 120.0
_ACCEPTED: Final = (200, 202)
_OF_A_BATCH: Final = {"id", "status", "counts", "finished_at"}


class UnusableServer(ServerFailed):
    """An address at which there can be no server, however long one waits."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url} cannot be used: {reason}; check --url")


@asynccontextmanager
async def connected(url: str, key: str | None, patience: ServerPatience | None = None) -> AsyncIterator[RemoteBatches]:
    """A connection to the server at `url`."""
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S, sock_read=_SILENCE_TIMEOUT_S)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
        yield RemoteBatches(session, url.rstrip("/"), patience or ServerPatience())


class RemoteBatches:
    """The server's batches.

    Every call waits for a server that is away or busy; sending is safe to repeat, since it has a key.

    Args:
        session: Its connections.
        url: The server, without a slash at the end.
        patience: How long a server is waited for.
    """

    longest_rest_s = 10.0
    """Between two looks at a long batch: keys have rates, and a look is a request."""

    def __init__(self, session: ClientSession, url: str, patience: ServerPatience) -> None:
        self._session = session
        self._url = url
        self._patience = patience
        self._was_there = False

    async def send(self, body: bytes, pipeline: str | None, name: str) -> dict[str, Any]:
        """Send articles as JSON lines; the same again finds the batch there is.

        Raises:
            ServerUnreachable: It does not answer.
            RiddlewireError: It refuses.
        """
        headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": name}
        params = {"pipeline": pipeline} if pipeline else {}
        return await self._batch("POST", "", data=body, headers=headers, params=params)

    async def look(self, batch_id: str) -> dict[str, Any]:
        """How far a batch is."""
        return await self._batch("GET", f"/{batch_id}")

    async def cancel(self, batch_id: str) -> dict[str, Any]:
        """Stop what has not started."""
        return await self._batch("POST", f"/{batch_id}/cancel")

    async def retry(self, batch_id: str) -> dict[str, Any]:
        """Run the failed articles again."""
        return await self._batch("POST", f"/{batch_id}/retry")

    async def work_on(self, batch_id: str) -> None:
        """The server does it anyway."""

    def when_stopped(self, batch_id: str) -> str:
        """What becomes of the batch when the command is stopped, and how to go on."""
        return (
            "The server goes on with it; the same command follows it again. To drop the rest: "
            f"riddlewire batches cancel {batch_id} --url {self._url}"
        )

    async def results(self, batch_id: str) -> AsyncIterator[bytes]:
        """All items, as JSON lines in pieces.

        Raises:
            ServerUnreachable: It stopped before the end; the same command gets them again.
        """
        import aiohttp

        headers = {"Accept": "application/x-ndjson"}
        response = await self._patience.call(lambda: self._answer("GET", f"/{batch_id}/results", {"headers": headers}))
        try:
            async with response:
                async for piece in response.content.iter_any():
                    yield piece
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ServerUnreachable(self._url, _reason(error)) from None

    async def _batch(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        return await self._patience.call(lambda: self._once(method, path, options))

    async def _once(self, method: str, path: str, options: dict[str, Any]) -> dict[str, Any]:
        import aiohttp

        async with await self._answer(method, path, options) as response:
            try:
                batch = json.loads(await response.read())
            except (aiohttp.ClientError, TimeoutError) as error:
                raise ServerUnreachable(self._url, _reason(error)) from None
            except ValueError:
                batch = None
            if not isinstance(batch, dict) or not batch.keys() >= _OF_A_BATCH:
                raise NotRiddlewire(str(response.url), response.status)
            return batch

    async def _answer(self, method: str, path: str, options: dict[str, Any]) -> ClientResponse:
        """An answer that the server gives when it does what it was asked for; its body is still to be read."""
        import aiohttp

        url = f"{self._url}/v1/batches{path}"
        try:
            response = await self._session.request(method, url, allow_redirects=False, **options)
            if response.status not in _ACCEPTED:
                async with response:
                    raise await refusal(response)
        except (aiohttp.InvalidURL, aiohttp.ClientSSLError, aiohttp.ClientConnectorDNSError) as error:
            if self._was_there:
                raise ServerUnreachable(self._url, _reason(error)) from None
            raise UnusableServer(self._url, _reason(error)) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ServerUnreachable(self._url, _reason(error)) from None
        self._was_there = True
        return response


def _reason(error: Exception) -> str:
    return clean_line(str(error)) or type(error).__name__
