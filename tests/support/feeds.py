"""Feed servers on loopback that behave as told, batches that only remember, and a clock that stands still."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.support.articles import real_articles
from tests.support.web import LoopbackWeb, loopback_web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sqlalchemy.engine import Connection, Engine

    from domain import Article
    from service.feeds.batches import AlsoInBatch, Owner

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass(frozen=True, kw_only=True)
class Item:
    """An item of a feed under test."""

    guid: str
    text: str
    link: str | None = None
    title: str = "A story"
    teaser: str = ""


def real_item(number: int, **values: Any) -> Item:
    """A real article as an item with its whole text."""
    text = real_articles(1, start=number)[0].text
    return Item(**{"guid": f"story-{number}", "text": text, "title": f"Story {number}", **values})


def rss(*items: Item, base: str = "https://news.example") -> bytes:
    """A feed that holds these items."""
    body = "".join(_item(item, base) for item in items)
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>The Post</title>'
        f"<language>en</language>{body}</channel></rss>"
    ).encode()


def _item(item: Item, base: str) -> str:
    link = item.link if item.link is not None else f"{base}/{item.guid}"
    whole = f"<content:encoded>{escape(f'<p>{escape(item.text)}</p>')}</content:encoded>" if item.text else ""
    return (
        f"<item><guid>{escape(item.guid)}</guid><link>{escape(link)}</link><title>{escape(item.title)}</title>"
        f"<description>{escape(item.teaser)}</description>{whole}</item>"
    )


@dataclass
class FeedServer:
    """A feed behind a URL, with ETag and 304; change `body`, or set `answers` to misbehave first."""

    site: LoopbackWeb
    body: bytes = b""
    content_type: str = "application/rss+xml"
    answers: list[web.Response] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    pages: dict[str, str | int] = field(default_factory=dict)
    plain: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return self.site.url("/feed.xml")

    def statuses(self) -> int:
        return len(self.headers)


@asynccontextmanager
async def feed_server(body: bytes = b"") -> AsyncIterator[FeedServer]:
    """Serve a feed until the block ends."""
    server: FeedServer

    async def feed(request: web.Request) -> web.StreamResponse:
        server.headers.append(dict(request.headers))
        if server.answers:
            return server.answers.pop(0)
        tag = f'"{uuid.uuid5(uuid.NAMESPACE_URL, str(hash(server.body))).hex}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        return web.Response(body=server.body, headers={"Content-Type": server.content_type, "ETag": tag})

    async def page(request: web.Request) -> web.StreamResponse:
        server.asked.set()
        if server.hangs:
            await server.ended.wait()
        if request.path in server.plain:
            return web.Response(text=server.plain[request.path])
        found = server.pages.get(request.path, 404)
        if isinstance(found, int):
            return web.Response(status=found)
        return web.Response(text=found, content_type="text/html")

    async with loopback_web({"/feed.xml": feed}, otherwise=page) as running:
        server = FeedServer(running, body)
        try:
            yield server
        finally:
            server.ended.set()


def web_page(text: str, *, canonical: str | None = None, title: str = "A story") -> str:
    """A page with an article in it."""
    link = f'<link rel="canonical" href="{escape(canonical)}">' if canonical else ""
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n"))
    return (
        f'<!doctype html><html lang="en"><head><title>{escape(title)}</title>{link}</head><body><nav>Home</nav>'
        f"<article><h1>{escape(title)}</h1>{paragraphs}</article><footer>Imprint</footer></body></html>"
    )


@dataclass
class RememberedBatches:
    """Batches that are only remembered, but in a transaction of the real database, as real ones are."""

    engine: Engine
    made: dict[str, list[Article]] = field(default_factory=dict)
    owners: list[Owner] = field(default_factory=list)
    pipelines: list[str] = field(default_factory=list)
    refuse: Exception | None = None

    async def make(
        self, articles: Sequence[Article], *, pipeline: str, owner: Owner, also: AlsoInBatch | None = None
    ) -> str:
        batch_id = f"bat_{uuid.uuid4().hex}"
        with self.engine.begin() as connection:
            self._write(connection, batch_id, also)
        self.made[batch_id] = list(articles)
        self.owners.append(owner)
        self.pipelines.append(pipeline)
        return batch_id

    def _write(self, connection: Connection, batch_id: str, also: AlsoInBatch | None) -> None:
        if also is not None:
            also(connection, batch_id)
        if self.refuse is not None:
            raise self.refuse

    async def show(self, batch_id: str, *, owner: Owner) -> dict[str, Any]:
        return {"id": batch_id, "status": "queued", "counts": {"total": len(self.made[batch_id])}}

    @property
    def articles(self) -> list[Article]:
        """Of all batches, in the order they came."""
        return [article for batch in self.made.values() for article in batch]
