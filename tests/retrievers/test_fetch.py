from __future__ import annotations

import asyncio
import gzip
import time
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from domain.errors import FetchError, FetchRefused
from retrievers.addresses import is_public
from retrievers.fetch import FetchPolicy, fetch_article, fetch_page
from tests.support.web import PAGE, loopback_web, page, redirect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.web import Handler

LOOPBACK = FetchPolicy(allow_networks=(ip_network("127.0.0.1/32"),), ports=None, timeout_s=5)
"""As strict as the default, but for the one address where the tests' servers are."""


class Names:
    """A resolver whose answers change from one question to the next; the last one stays."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.8.8.8", "169.254.169.254",
        "168.63.129.16", "172.16.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
        "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::a00:1", "64:ff9b:1::1",
        "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1",
        "fec0::1", "ff02::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_everybodys_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::1"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


async def test_a_page_becomes_an_article() -> None:
    async with loopback_web({"/news": page()}) as server:
        url = server.url("/news", host="news.example")
        article = await fetch_article(url, policy=LOOPBACK, lookup=Names(["127.0.0.1"]))
    assert article.title == "Lighthouse keeper retires after fifty years"
    assert article.text.startswith("The keeper of the lighthouse at Cape Wrath")
    assert article.text.count("\n\n") == 2
    assert "Sport" not in article.text
    assert (article.url, article.source) == (url, "The Harbour Post")
    assert article.published_at == datetime(2025, 3, 4, tzinfo=UTC)


async def test_plain_text_is_an_article_as_it_is() -> None:
    async with loopback_web({"/": page("Just words.", "text/plain")}) as server:
        assert (await fetch_article(server.url(), policy=LOOPBACK)).text == "Just words."


async def test_the_charset_of_the_header_is_used() -> None:
    async def latin(_: web.Request) -> web.StreamResponse:
        return web.Response(body="Zürich".encode("latin-1"), headers={"Content-Type": "text/plain; charset=latin-1"})

    async with loopback_web({"/": latin}) as server:
        assert (await fetch_article(server.url(), policy=LOOPBACK)).text == "Zürich"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "only http"),
        ("ftp://news.example/x", "only http"),
        ("//news.example", "only http"),
        ("http://", "only http|cannot read"),
        ("http://user:secret@news.example/", "user name"),
        ("http://news.example:22/", "port 22 is not allowed"),
        ("http://127.0.0.1/", "127.0.0.1 is not a public address"),
        ("http://[::1]/", "::1 is not a public address"),
        ("http://[::ffff:127.0.0.1]/", "is not a public address"),
        ("http://[fe80::1%25eth0]/", "is not a public address"),
        ("http://169.254.169.254/latest/meta-data/", "is not a public address"),
        ("http://１２７.０.０.１/", "is not a public address"),  # noqa: RUF001  # full-width digits
        ("http://news.example:99999/", "cannot read|not allowed"),
        (f"http://news.example/{'x' * 3000}", "longer than"),
    ],
)
async def test_urls_that_lead_astray_are_refused_before_anything_is_asked(url: str, reason: str) -> None:
    names = Names(["127.0.0.1"])
    with pytest.raises(FetchRefused, match=reason):
        await fetch_article(url, lookup=names)
    assert names.asked == []


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001"])
async def test_other_spellings_of_addresses_reach_nothing(host: str) -> None:
    async with loopback_web({"/": page()}) as server:
        with pytest.raises(FetchError):
            await fetch_article(server.url(host=host), policy=FetchPolicy(ports=None, timeout_s=5))
        assert server.paths == []


@pytest.mark.parametrize("answers", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::ffff:10.0.0.1"], ["nonsense"]])
async def test_a_name_with_any_private_address_is_refused(answers: list[str]) -> None:
    with pytest.raises(FetchRefused, match="not a public address"):
        await fetch_article("http://news.example/", lookup=Names(answers))


async def test_a_name_is_resolved_once_and_that_address_is_used() -> None:
    """DNS rebinding: the second answer would be private, but nobody asks a second time."""
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    async with loopback_web({"/": page()}) as server:
        await fetch_article(server.url(host="rebind.example"), policy=LOOPBACK, lookup=names)
    assert names.asked == ["rebind.example"]


async def test_redirects_are_followed_and_resolved_anew() -> None:
    names = Names(["127.0.0.1"])
    async with loopback_web({"/end": page()}) as server:
        routes: dict[str, Handler] = {"/": redirect(server.url("/end", host="b.example"))}
        async with loopback_web(routes) as first:
            article = await fetch_article(first.url(host="a.example"), policy=LOOPBACK, lookup=names)
    assert names.asked == ["a.example", "b.example"]
    assert article.url == server.url("/end", host="b.example")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location", ["http://127.0.0.2/", "http://169.254.169.254/", "http://private.example/", "file:///etc/passwd"]
)
async def test_a_redirect_into_a_private_network_is_refused(location: str, status: int) -> None:
    async with loopback_web({"/": redirect(location, status)}) as server:
        with pytest.raises(FetchRefused, match=r"not a public address|only http"):
            await fetch_article(
                server.url(host="news.example"), policy=LOOPBACK, lookup=Names(["127.0.0.1"], ["10.0.0.1"])
            )
    assert server.paths == ["/"]


async def test_a_public_server_cannot_redirect_into_a_network_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = FetchPolicy(allow_networks=(ip_network("127.0.0.1/32"), ip_network("::1/128")), ports=None, timeout_s=5)
    async with loopback_web({"/payroll": page()}, address="::1") as inside:
        link = inside.url("/payroll", host="[::1]")
        async with loopback_web({"/": redirect(link)}) as first:
            assert (await fetch_page(first.url(), policy=policy)).is_private, "a server inside may"
            monkeypatch.setattr("retrievers.fetch.is_public", lambda address: str(address) == "127.0.0.1")
            with pytest.raises(FetchRefused, match="not a public address"):
                await fetch_page(first.url(), policy=policy)
            assert (await fetch_page(link, policy=policy)).is_private
    assert inside.paths == ["/payroll", "/payroll"]


async def test_redirects_end_some_time() -> None:
    async with loopback_web({"/": redirect("/")}) as server:
        with pytest.raises(FetchRefused, match="more than 5 redirects"):
            await fetch_article(server.url(), policy=LOOPBACK)
    assert len(server.paths) == 6


async def test_a_redirect_to_nonsense_is_an_error() -> None:
    async with loopback_web({"/": redirect("http://[broken")}) as server:
        with pytest.raises(FetchError):
            await fetch_article(server.url(), policy=LOOPBACK)


async def test_a_page_that_says_it_is_too_large_is_not_read() -> None:
    policy = replace(LOOPBACK, max_bytes=100)
    async with loopback_web({"/": page()}) as server:
        with pytest.raises(FetchRefused, match="larger than 100 bytes"):
            await fetch_article(server.url(), policy=policy)


async def test_an_endless_page_is_cut_off() -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        while sent < 500_000_000:
            await response.write(b"news " * 20_000)
            sent += 100_000
        return response

    async with loopback_web({"/": endless}) as server:
        with pytest.raises(FetchRefused, match="larger than 1,000,000 bytes"):
            await fetch_article(server.url(), policy=replace(LOOPBACK, max_bytes=1_000_000))
    assert sent < 50_000_000


async def test_a_gzip_bomb_is_cut_off_at_the_decompressed_limit() -> None:
    bomb = gzip.compress(b"\0" * 300_000_000, 9)

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=bomb, headers={"Content-Type": "text/html", "Content-Encoding": "gzip"})

    async with loopback_web({"/": answer}) as server:
        started = time.perf_counter()
        with pytest.raises(FetchRefused, match="larger than 5,000,000 bytes"):
            await fetch_article(server.url(), policy=LOOPBACK)
        assert time.perf_counter() - started < 3


async def test_a_server_that_drips_runs_out_of_time() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        for _ in range(100):
            await response.write(b"x")
            await asyncio.sleep(0.05)
        return response

    async with loopback_web({"/": drip}) as server:
        with pytest.raises(FetchError, match=r"took longer than 0\.3 s"):
            await fetch_article(server.url(), policy=replace(LOOPBACK, timeout_s=0.3))


async def test_a_resolver_that_hangs_runs_out_of_time() -> None:
    async def hang(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(30)
        return []

    with pytest.raises(FetchError, match=r"took longer than 0\.1 s"):
        await fetch_article("http://news.example/", policy=replace(LOOPBACK, timeout_s=0.1), lookup=hang)


@pytest.mark.parametrize("content_type", ["application/pdf", "image/png", "application/json"])
async def test_what_is_no_page_is_refused(content_type: str) -> None:
    async with loopback_web({"/": page(PAGE, content_type)}) as server:
        with pytest.raises(FetchRefused, match="content type"):
            await fetch_article(server.url(), policy=LOOPBACK)


@pytest.mark.parametrize("html", ["", "<html><body></body></html>", "<p>"])
async def test_a_page_without_an_article_is_an_error(html: str) -> None:
    async with loopback_web({"/": page(html)}) as server:
        with pytest.raises(FetchError, match="no article text"):
            await fetch_article(server.url(), policy=LOOPBACK)


async def test_an_error_status_is_an_error() -> None:
    async with loopback_web({}) as server:
        with pytest.raises(FetchError, match="answered 404"):
            await fetch_article(server.url(), policy=LOOPBACK)


async def test_a_closed_port_is_an_error() -> None:
    with pytest.raises(FetchError, match=r"127\.0\.0\.1"):
        await fetch_article("http://127.0.0.1:9/", policy=LOOPBACK)


async def test_an_operator_may_allow_private_networks() -> None:
    async with loopback_web({"/": page()}) as server:
        article = await fetch_article(server.url(), policy=FetchPolicy(allow_private=True, ports=None))
    assert article.title
