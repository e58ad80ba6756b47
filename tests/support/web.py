"""Web servers on loopback that behave as told, well or badly."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PAGE = """<!doctype html><html lang="en"><head><title>Lighthouse keeper retires after fifty years</title>
<meta property="og:site_name" content="The Harbour Post"><meta property="article:published_time" content="2025-03-04">
</head><body><nav>Home | Sport | Weather</nav><article><h1>Lighthouse keeper retires after fifty years</h1>
<p>The keeper of the lighthouse at Cape Wrath handed over the keys on Monday after half a century of service.</p>
<p>He said that he would miss the storms most of all, because they were the only visitors that never complained about
the stairs. A ceremony was held in the village hall, with cake for everybody.</p>
<p>The lamp has been automatic for thirty years, but nobody had the heart to tell him, the harbour master said.</p>
</article><footer>Imprint</footer></body></html>"""


@dataclass
class LoopbackWeb:
    """A running server: where it is and what it was asked."""

    port: int
    paths: list[str] = field(default_factory=list)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """The URL of a path, under any name a test's resolver knows."""
        return f"http://{host}:{self.port}{path}"


@asynccontextmanager
async def loopback_web(
    routes: Mapping[str, Handler], *, otherwise: Handler | None = None, address: str = "127.0.0.1"
) -> AsyncIterator[LoopbackWeb]:
    """Serve these paths until the block ends; every other path is 404, or as `otherwise` answers it."""
    server = LoopbackWeb(0)

    async def answer(request: web.Request) -> web.StreamResponse:
        server.paths.append(request.path_qs)
        handler = routes.get(request.path, otherwise)
        return await handler(request) if handler else web.Response(status=404)

    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, address, 0)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()


def page(html: str = PAGE, content_type: str = "text/html") -> Handler:
    """Always this page."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=html, content_type=content_type)

    return answer


def redirect(location: str, status: int = 302) -> Handler:
    """Always a redirect to there."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": location})

    return answer
