"""HTTP connections to model services: one pool for each event loop, closed with it."""

from __future__ import annotations

import asyncio
import atexit
import ssl
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

KEEP_ALIVE_S = 30.0
_CLOSE_TIMEOUT_S = 2.0

_in_use: set[Sessions] = set()
"""Those with an open session: dropping one unclosed, as notebooks do, must not leave it to the garbage collector."""


class Sessions:
    """An `aiohttp` session for each running loop, without a limit of connections (callers limit themselves).

    A session is closed by `aclose`, or when its loop shuts down (`asyncio.run` closes the asynchronous generator
    that holds it), or at exit when the loop runs on in a background thread.
    """

    def __init__(self) -> None:
        self._open: dict[asyncio.AbstractEventLoop, tuple[aiohttp.ClientSession, AsyncGenerator[None, None]]] = {}
        self._tls: ssl.SSLContext | None = None

    async def get(self) -> aiohttp.ClientSession:
        """The running loop's session."""
        loop = asyncio.get_running_loop()
        entry = self._open.get(loop)
        if entry is None:
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
            holder = self._hold(loop, session)
            entry = self._open[loop] = (session, holder)
            _in_use.add(self)
            await anext(holder)
        return entry[0]

    async def aclose(self) -> None:
        """Close the running loop's session; a later call opens a new one."""
        entry = self._open.get(asyncio.get_running_loop())
        if entry is not None:
            await entry[1].aclose()

    def tls(self) -> ssl.SSLContext:
        """Trusts the system's authorities and certifi's, which small containers lack."""
        if self._tls is None:
            import certifi

            self._tls = ssl.create_default_context()
            self._tls.load_verify_locations(certifi.where())
        return self._tls

    def close_running(self) -> None:
        """Close the sessions of loops that run in other threads; for the end of the process."""
        for loop, (_, holder) in list(self._open.items()):
            if loop.is_running():
                asyncio.run_coroutine_threadsafe(_close(holder), loop).result(_CLOSE_TIMEOUT_S)

    async def _hold(
        self, loop: asyncio.AbstractEventLoop, session: aiohttp.ClientSession
    ) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._open.pop(loop, None)
            if not self._open:
                _in_use.discard(self)
            await session.close()


async def _close(holder: AsyncGenerator[None, None]) -> None:
    await holder.aclose()


@atexit.register
def _close_all() -> None:
    for sessions in list(_in_use):
        sessions.close_running()
