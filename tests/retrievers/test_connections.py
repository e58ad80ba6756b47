from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import uvloop

from domain.errors import FetchRefused
from retrievers.connections import checked_connector, system_lookup
from tests.support.web import loopback_web, page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


async def get(url: str, allows: Callable[[str], bool], *addresses: str) -> int:
    """The status of a page, where every name resolves to these addresses."""

    async def lookup(host: str, port: int) -> Sequence[str]:
        return addresses

    connector = checked_connector(allows, lookup, FetchRefused)
    async with aiohttp.ClientSession(connector=connector) as session, session.get(url) as response:
        return response.status


async def refused_and_taken() -> tuple[list[str], int]:
    """What a server saw of connections that are not allowed, and the status of one that is."""
    async with loopback_web({"/": page()}) as server:
        for address in ("127.0.0.1", "127.0.0.2"):
            with pytest.raises(FetchRefused, match="not a public address"):
                await get(server.url(), lambda tried: False)
            with pytest.raises(FetchRefused, match="not a public address"):
                await get(server.url(host="news.example"), lambda tried: tried != "127.0.0.2", "127.0.0.1", "127.0.0.2")
            with pytest.raises(FetchRefused, match="not a public address"):
                await get(server.url(host="news.example"), lambda tried: tried == "10.0.0.1", address)
        seen = list(server.paths)
        return seen, await get(server.url(host="news.example"), lambda tried: tried == "127.0.0.1", "127.0.0.1")


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_connection_that_is_not_allowed_is_never_made_whichever_loop_runs(
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(refused_and_taken()) == ([], 200)


async def test_the_system_knows_this_machine() -> None:
    assert set(await system_lookup("localhost", 80)) <= {"127.0.0.1", "::1"}


async def test_names_whose_servers_hang_leave_the_threads_of_everybody_else_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answered = threading.Event()

    def hang(*_: Any, **__: Any) -> list[Any]:
        answered.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    waiting = [asyncio.create_task(system_lookup(f"{number}.example", 80)) for number in range(60)]
    await asyncio.sleep(0.05)
    try:
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "free"), 2) == "free"
    finally:
        answered.set()
        await asyncio.gather(*waiting)
