"""HTTP connections to hosts that somebody else named: to addresses that were checked, and to no other.

A host is resolved once for each connection, every address it resolves to must be allowed, and the connection goes to
exactly these: a name that resolves differently a moment later (DNS rebinding) changes nothing. A host that is written
as an address is resolved by nobody, so the address is checked again when the socket is opened.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiohttp import TCPConnector

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Resolves a host and port to addresses, written as text."""

Allows = Callable[[str], bool]
"""Whether a connection to an address may be made."""

Refusal = Callable[[str, str], Exception]
"""The error that says of a host, by its first argument, why no connection is made."""


_THREADS = 16
_LONGEST_NAME = 300


async def system_lookup(host: str, port: int) -> Sequence[str]:
    """What the operating system resolves a host to.

    In threads of its own: whoever names the host can make its name server hang, and a caller that gives up leaves the
    thread waiting. The event loop's own threads, which the database and all other lookups use, must not run out.
    """
    found = await asyncio.get_running_loop().run_in_executor(_lookup_threads(), _addresses, host, port)
    return [str(info[4][0]) for info in found]


@cache
def _lookup_threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="riddlewire-lookup")


def _addresses(host: str, port: int) -> Any:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def checked_connector(allows: Allows, lookup: Lookup, refusal: Refusal, *, limit: int = 1) -> TCPConnector:
    """A connector for an `aiohttp.ClientSession`; it keeps no connection open, so that each is checked.

    Args:
        allows: Asked of every address, written as text.
        lookup: How names are resolved.
        refusal: Makes the error that is raised instead of a connection.
        limit: Connections at once.
    """
    import aiohttp
    from aiohttp.abc import AbstractResolver, ResolveResult

    class Resolver(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
        ) -> list[ResolveResult]:
            del family
            try:
                addresses = await lookup(host, port)
            except UnicodeError:  # a part of more than 63 letters
                raise refusal(host[:_LONGEST_NAME], "is no name of a host") from None
            for address in addresses:
                if not allows(address):
                    raise refusal(host, f"resolves to {address}, which is not a public address")
            return [_resolved(host, port, address) for address in addresses]

        async def close(self) -> None:
            """Nothing is open."""

    def open_socket(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = info
        if not allows(str(address[0])):
            raise refusal(str(address[0]), "is not a public address")
        return socket.socket(family=family, type=kind, proto=protocol)

    return aiohttp.TCPConnector(
        resolver=Resolver(), use_dns_cache=False, force_close=True, limit=limit, socket_factory=open_socket
    )


def _resolved(host: str, port: int, address: str) -> Any:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return {"hostname": host, "host": address, "port": port, "family": family, "proto": 0, "flags": flags}
