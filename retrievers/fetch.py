"""An article from a URL that somebody else wrote: never into a private network, never more than was allowed.

Connections are those of `retrievers/connections.py`, which go to checked addresses only. Redirects are followed by hand
and each is checked like the first URL.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from domain.errors import FetchError, FetchRefused
from retrievers.addresses import Network, is_public, names_this_machine, parse_address, written_address
from retrievers.connections import Lookup, checked_connector, system_lookup
from retrievers.errors import ServerAnswered
from retrievers.page import HTML, NOT_MODIFIED, OK, Page, article_of
from retrievers.retry_after import parse_retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import ClientResponse, ClientSession
    from yarl import URL

    from domain import Article
    from retrievers.addresses import Address

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_THIS_MACHINE = ("127.0.0.1", "::1")
_MAX_URL = 2_048
_CHUNK = 65_536
_MAX_REASON = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPolicy:
    """Where articles may be fetched from and what that may cost.

    Args:
        allow_private: Any address at all, for operators whose articles are in their own network.
        allow_networks: These networks besides the public internet; a server outside of them cannot redirect into them.
        ports: None allows every port.
        max_bytes: Of the page, after decompression.
        timeout_s: For everything: resolving, all redirects, reading, extraction.
        max_redirects: More are refused.
        content_types: What is read; HTML goes through extraction.
        wanted: What these types are, for whoever is told that a page is of another.
        user_agent: How we introduce ourselves.
    """

    allow_private: bool = False
    allow_networks: tuple[Network, ...] = ()
    ports: frozenset[int] | None = frozenset({80, 443})
    max_bytes: int = 5_000_000
    timeout_s: float = 15.0
    max_redirects: int = 5
    content_types: frozenset[str] = HTML | {"text/plain"}
    wanted: str = "an article's"
    user_agent: str = "Riddlewire/0.1 (article fetcher)"

    def allows(self, address: str) -> bool:
        """Whether a connection to this address may be made."""
        parsed = parse_address(address)
        if parsed is None:
            return False
        return self._allows(parsed)

    def allows_host(self, host: str) -> bool:
        """Whether a host may be asked as far as its spelling shows; most names are judged when they are resolved."""
        address = written_address(host)
        if address is not None:
            return self._allows(address)
        return not names_this_machine(host) or any(self.allows(address) for address in _THIS_MACHINE)

    def _allows(self, address: Address) -> bool:
        return self.allow_private or is_public(address) or any(address in network for network in self.allow_networks)


async def fetch_article(url: str, *, policy: FetchPolicy | None = None, lookup: Lookup = system_lookup) -> Article:
    """Fetch a page and take the article out of it.

    Args:
        url: `http` or `https`.
        policy: What is allowed.
        lookup: How names are resolved.

    Raises:
        FetchRefused: The URL, or one it redirects to, leads where the policy does not allow, or to too much.
        FetchError: No answer, an answer that is no page, or a page without an article.
    """
    policy = policy or FetchPolicy()
    try:
        async with asyncio.timeout(policy.timeout_s):
            page = await _fetch(url, policy, lookup, _NO_HEADERS)
            return await asyncio.to_thread(article_of, page)
    except TimeoutError:
        raise FetchError(url, f"took longer than {policy.timeout_s:g} s") from None


async def fetch_page(
    url: str, *, policy: FetchPolicy, lookup: Lookup = system_lookup, headers: Mapping[str, str] = _NO_HEADERS
) -> Page:
    """Fetch whatever is at a URL, under the same rules.

    Args:
        url: `http` or `https`.
        policy: What is allowed.
        lookup: How names are resolved.
        headers: Sent to the first server only, for they may hold a key: not to where it redirects.

    Raises:
        ServerAnswered: Another status than 200, or than 304 where `headers` ask for it.
        FetchRefused: The URL, or one it redirects to, leads where the policy does not allow, or to too much.
        FetchError: No answer.
    """
    try:
        async with asyncio.timeout(policy.timeout_s):
            return await _fetch(url, policy, lookup, headers)
    except TimeoutError:
        raise FetchError(url, f"took longer than {policy.timeout_s:g} s") from None


async def _fetch(url: str, policy: FetchPolicy, lookup: Lookup, headers: Mapping[str, str]) -> Page:
    import aiohttp

    target = first = checked_url(url, policy)
    for _ in range(policy.max_redirects + 1):
        sent = headers if target.origin() == first.origin() else _NO_HEADERS
        reached = _Reached(policy)
        try:
            async with (
                _session(reached, lookup) as session,
                session.get(target, allow_redirects=False, headers=sent) as response,
            ):
                location = response.headers.get("Location")
                if response.status not in _REDIRECTS or location is None:
                    return replace(await _read(response, policy), is_private=reached.only_private)
                if not reached.only_private:  # nobody outside may send us into a network of the operator's
                    policy = replace(policy, allow_networks=())
                target = checked_url(str(_joined(target, location)), policy, asked=url)
        except aiohttp.ClientError as error:
            raise FetchError(url, f"{type(error).__name__}: {error}"[:_MAX_REASON]) from error
    raise FetchRefused(url, f"more than {policy.max_redirects} redirects")


class _Reached:
    """Allows what a policy allows, and remembers it."""

    def __init__(self, policy: FetchPolicy) -> None:
        self.policy = policy
        self.only_private = True

    def allows(self, address: str) -> bool:
        """See `FetchPolicy.allows`; every address that a connection may be made to is asked for here."""
        parsed = parse_address(address)
        self.only_private = self.only_private and parsed is not None and not is_public(parsed)
        return self.policy.allows(address)


def _session(reached: _Reached, lookup: Lookup) -> ClientSession:
    import aiohttp

    policy = reached.policy
    return aiohttp.ClientSession(
        connector=checked_connector(reached.allows, lookup, FetchRefused),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=policy.timeout_s),
        headers={"User-Agent": policy.user_agent, "Accept": ", ".join(sorted(policy.content_types))},
        trust_env=False,
    )


def checked_url(url: str, policy: FetchPolicy, *, asked: str | None = None) -> URL:
    """The URL, when nothing can be seen that speaks against it; names are checked when they are resolved.

    Args:
        url: What somebody wrote, or a server redirects to.
        policy: What is allowed.
        asked: The URL to name in a refusal; by default this one.

    Raises:
        FetchRefused: Another scheme, no host, a user name or password, a port or address that is not allowed.
    """
    from yarl import URL

    asked = url if asked is None else asked
    if len(url) > _MAX_URL:
        raise FetchRefused(asked[:_MAX_URL], f"URL is longer than {_MAX_URL} characters")
    try:
        parsed = URL(url)
        port = parsed.port
    except ValueError as error:
        raise FetchRefused(asked, f"cannot read the URL: {error}") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise FetchRefused(asked, "only http:// and https:// URLs with a host are fetched")
    if parsed.user is not None or parsed.password is not None:
        raise FetchRefused(asked, "URLs with a user name or password are not fetched")
    if policy.ports is not None and port not in policy.ports:
        raise FetchRefused(asked, f"port {port} is not allowed; these are: {sorted(policy.ports)}")
    if not policy.allows_host(parsed.host):
        raise FetchRefused(asked, f"{parsed.host} is not a public address")
    return parsed


def _joined(base: URL, location: str) -> URL:
    from yarl import URL

    try:
        return base.join(URL(location)).with_fragment(None)
    except ValueError as error:
        raise FetchError(str(base), f"redirects to something that is no URL: {error}") from None


async def _read(response: ClientResponse, policy: FetchPolicy) -> Page:
    url = str(response.url)
    headers = {name.lower(): value for name, value in response.headers.items()}
    if response.status == NOT_MODIFIED and _was_asked(response):
        return Page(url, "", None, b"", NOT_MODIFIED, headers)
    if response.status != OK:
        raise ServerAnswered(url, response.status, retry_after_s=parse_retry_after(headers.get("retry-after")))
    if response.content_type not in policy.content_types or "content-type" not in headers:
        raise FetchRefused(url, f"content type {response.content_type!r} is not {policy.wanted}")
    if (response.content_length or 0) > policy.max_bytes:
        raise FetchRefused(url, f"page is larger than {policy.max_bytes:,} bytes")
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > policy.max_bytes:
            raise FetchRefused(url, f"page is larger than {policy.max_bytes:,} bytes")
    return Page(url, response.content_type, response.charset, bytes(body), OK, headers)


def _was_asked(response: ClientResponse) -> bool:
    return not {"If-None-Match", "If-Modified-Since"}.isdisjoint(response.request_info.headers)
