from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from domain.errors import ConfigurationError, FetchRefused, NotFound
from retrievers.errors import FeedUnreadable, ServerAnswered
from retrievers.feeds.fetcher import Fetcher
from retrievers.feeds.hosts import Hosts
from retrievers.feeds.item import FeedSource
from retrievers.feeds.loader import MAX_LETTERS
from retrievers.feeds.reading import SAMPLE, allowed_file, read_feed
from retrievers.fetch import FetchPolicy
from tests.support.articles import real_articles
from tests.support.feeds import feed_server, real_item, rss
from tests.support.web import loopback_web, redirect

if TYPE_CHECKING:
    from pathlib import Path

POLICY = FetchPolicy(allow_networks=(ip_network("127.0.0.1/32"),), ports=None, timeout_s=5)


@pytest.fixture
def fetcher() -> Fetcher:
    return Fetcher(policy=POLICY, hosts=Hosts(0.0))


async def test_newsapi_is_given_its_key_in_a_header(fetcher: Fetcher) -> None:
    async with feed_server(b'{"status": "ok", "articles": []}') as server:
        server.content_type = "application/json"
        source = FeedSource(kind="newsapi", url=server.url, api_key="s3cret")
        assert (await read_feed(source, fetcher)).items == ()
        assert server.headers[0]["X-Api-Key"] == "s3cret"
    assert "s3cret" not in repr(source)


async def test_a_key_does_not_follow_a_redirect_to_another_server(fetcher: Fetcher) -> None:
    async with feed_server(b'{"status": "ok", "articles": []}') as other:
        other.content_type = "application/json"
        async with loopback_web({"/feed": redirect(other.url)}) as first:
            await read_feed(FeedSource(kind="newsapi", url=first.url("/feed"), api_key="s3cret"), fetcher)
        assert "X-Api-Key" not in other.headers[0]


async def test_a_key_follows_a_redirect_on_the_same_server(fetcher: Fetcher) -> None:
    async with feed_server(b'{"status": "ok", "articles": []}') as server:
        server.content_type = "application/json"
        server.answers = [web.Response(status=302, headers={"Location": "/feed.xml?v=2"})]
        await read_feed(FeedSource(kind="newsapi", url=server.url, api_key="s3cret"), fetcher)
        assert [headers.get("X-Api-Key") for headers in server.headers] == ["s3cret", "s3cret"]


async def test_lines_are_read_from_a_url_and_from_a_file_alike(fetcher: Fetcher, tmp_path: Path) -> None:
    body = b"".join(json.dumps({"text": article.text}).encode() + b"\n" for article in real_articles(3))
    (tmp_path / "today.jsonl").write_bytes(body)
    async with feed_server(body) as server:
        server.content_type = "application/x-ndjson"
        by_url = await read_feed(FeedSource(kind="jsonl", url=server.url), fetcher)
    by_file = await read_feed(FeedSource(kind="jsonl", url="today.jsonl"), fetcher, folders=[tmp_path])
    assert by_url.items == by_file.items
    assert len(by_file.items) == 3


async def test_a_file_that_did_not_change_is_not_read_again(fetcher: Fetcher, tmp_path: Path) -> None:
    file = tmp_path / "today.jsonl"
    file.write_text('{"text": "One."}\n')
    source = FeedSource(kind="jsonl", url="today.jsonl")
    first = await read_feed(source, fetcher, folders=[tmp_path])
    again = await read_feed(source, fetcher, folders=[tmp_path], condition=first.condition)
    assert again.is_unchanged
    file.write_text('{"text": "One."}\n{"text": "Two."}\n')
    third = await read_feed(source, fetcher, folders=[tmp_path], condition=first.condition)
    assert len(third.items) == 2


@pytest.mark.parametrize("name", ["../secret.jsonl", "/etc/passwd", "link.jsonl", "a\x00b", "sub/../../secret.jsonl"])
def test_files_outside_the_folders_are_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "feeds"
    folder.mkdir()
    (tmp_path / "secret.jsonl").write_text("{}")
    (folder / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    with pytest.raises(FetchRefused, match="in these folders only"):
        allowed_file(name, [folder])
    with pytest.raises(FetchRefused, match="folders only: none"):
        allowed_file("x", [])


async def test_a_file_that_cannot_be_read_is_told(fetcher: Fetcher, tmp_path: Path) -> None:
    with pytest.raises(FeedUnreadable, match=r"none\.jsonl"):
        await read_feed(FeedSource(kind="jsonl", url="none.jsonl"), fetcher, folders=[tmp_path])
    (tmp_path / "big.jsonl").write_bytes(b"x" * 2_000)
    with pytest.raises(FeedUnreadable, match="larger than 1,000 bytes"):
        await read_feed(
            FeedSource(kind="jsonl", url="big.jsonl"), replace(fetcher, feed_bytes=1_000), folders=[tmp_path]
        )


async def test_the_sample_is_whole_articles(fetcher: Fetcher) -> None:
    reading = await read_feed(FeedSource(kind="rss", url=SAMPLE), fetcher)
    assert len(reading.items) == 8
    assert all(item.is_whole and item.published_at and item.identity for item in reading.items)


async def test_a_document_loader_is_a_feed(fetcher: Fetcher, tmp_path: Path) -> None:
    file = tmp_path / "news.txt"
    file.write_text(real_articles(1)[0].text, encoding="utf-8")
    source = FeedSource(kind="loader", loader="TextLoader", arguments={"file_path": str(file)})
    (item,) = (await read_feed(source, fetcher)).items
    assert item.text == real_articles(1)[0].text
    assert item.url is None, "a path is nothing that readers follow"


async def test_a_document_with_control_characters_does_not_stop_its_loader(fetcher: Fetcher, tmp_path: Path) -> None:
    rows = 'title,body\n"Bad \x01 title",First\x00 text.\n,Second text.\n'
    (tmp_path / "news.csv").write_text(rows, encoding="utf-8")
    arguments = {"file_path": str(tmp_path / "news.csv"), "metadata_columns": ["title"]}
    reading = await read_feed(FeedSource(kind="loader", loader="CSVLoader", arguments=arguments), fetcher)
    assert [item.title for item in reading.items] == ["Bad  title", None]
    assert "\x00" not in reading.items[0].text


async def test_a_loader_may_give_many_documents_but_not_without_end(fetcher: Fetcher, tmp_path: Path) -> None:
    async def count(rows: int) -> int:
        (tmp_path / "news.csv").write_text("body\n" + "".join(f"Story {row}\n" for row in range(rows)))
        source = FeedSource(
            kind="loader", loader="CSVLoader", arguments={"file_path": str(tmp_path / "news.csv"), "encoding": "utf-8"}
        )
        return len((await read_feed(source, fetcher)).items)

    assert await count(600) == 600
    with pytest.raises(FeedUnreadable, match="more than 5,000 entries"):
        await count(5_001)


async def test_a_loader_whose_documents_fill_the_memory_is_stopped(fetcher: Fetcher, tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("a" * (MAX_LETTERS + 1))
    source = FeedSource(kind="loader", loader="TextLoader", arguments={"file_path": str(tmp_path / "book.txt")})
    with pytest.raises(FeedUnreadable, match="more than 50,000,000 letters"):
        await read_feed(source, fetcher)


async def test_a_loader_that_fails_is_told_by_its_kind(fetcher: Fetcher, tmp_path: Path) -> None:
    def source(name: str, **arguments: object) -> FeedSource:
        return FeedSource(kind="loader", loader=name, arguments=arguments)

    with pytest.raises(FeedUnreadable, match="TextLoader failed: RuntimeError"):
        await read_feed(source("TextLoader", file_path=str(tmp_path / "none")), fetcher)
    with pytest.raises(ConfigurationError, match="TextLoader"):
        await read_feed(source("TextLoader", nonsense=1), fetcher)
    with pytest.raises(NotFound, match="document loader"):
        await read_feed(source("os"), fetcher)


async def test_a_loader_that_hangs_runs_out_of_time(fetcher: Fetcher, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    source = FeedSource(kind="loader", loader="TextLoader", arguments={"file_path": str(pipe)})
    with pytest.raises(FeedUnreadable, match=r"took longer than 0\.2 s"):
        await read_feed(source, fetcher, loader_s=0.2)
    await asyncio.to_thread(pipe.write_text, "free")


async def test_requests_to_one_host_are_one_at_a_time_with_a_pause() -> None:
    fetcher = Fetcher(policy=POLICY, hosts=Hosts(0.1))
    async with feed_server(rss(real_item(0))) as server:
        started = time.monotonic()
        await asyncio.gather(*(read_feed(FeedSource(kind="rss", url=server.url), fetcher) for _ in range(4)))
        assert time.monotonic() - started >= 0.3


async def test_a_host_that_asked_to_wait_is_not_asked_again_before() -> None:
    now = 0.0
    hosts = Hosts(0.0, lambda: now)
    fetcher = Fetcher(policy=POLICY, hosts=hosts)
    async with feed_server(rss(real_item(0))) as server:
        server.answers = [web.Response(status=503, headers={"Retry-After": "60"})]
        source = FeedSource(kind="rss", url=server.url)
        for now in (0.0, 59.0):
            with pytest.raises(ServerAnswered) as caught:
                await read_feed(source, fetcher)
            assert caught.value.retry_after_s == 60 - now
        assert len(server.headers) == 1
        now = 61.0
        assert len((await read_feed(source, fetcher)).items) == 1
