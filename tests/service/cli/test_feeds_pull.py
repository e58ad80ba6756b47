"""`riddlewire feeds pull` as cron would run it, against real feed servers on loopback."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from service.cli.exits import Exit
from tests.service.cli.running import Cli
from tests.support.articles import real_articles
from tests.support.feeds import feed_server, real_item, rss

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.cli.running import Ended
    from tests.support.openai_stub import OpenAIStub


@pytest.fixture
def cli(tmp_path: Path, stub: OpenAIStub) -> Cli:
    """The command that may read feeds from loopback, with a pipeline that the stub answers."""
    env = {
        "OPENAI_API_KEY": "sk-stub",
        "OPENAI_BASE_URL": stub.url,
        "RIDDLEWIRE_PIPELINE": "openai",
        "RIDDLEWIRE_FEEDS_NETWORKS": '["127.0.0.1/32", "::1/128"]',
        "RIDDLEWIRE_FEEDS_PAUSE_S": "0",
    }
    return Cli(tmp_path / "home", env)


async def run(cli: Cli, *arguments: str) -> Ended:
    """Run beside the servers, which live on this loop."""
    return await asyncio.to_thread(cli.process, *arguments)


async def test_what_a_pull_finds_becomes_a_batch_whose_riddles_can_be_made_here(
    cli: Cli, stub: OpenAIStub, tmp_path: Path
) -> None:
    output = tmp_path / "riddles.jsonl"
    video = real_item(90, text="", link="", title="Watch: the harbour", guid="video-1")
    async with feed_server(rss(real_item(0), real_item(1), video)) as server:
        feed_id = (await run(cli, "feeds", "add", server.url)).out.strip()
        pulled = await run(cli, "feeds", "pull", feed_id)
        again = await run(cli, "feeds", "pull", feed_id)
        server.body = rss(real_item(2), real_item(0))
        later = await run(cli, "feeds", "pull", "--all", "--json")
    assert pulled.code == Exit.OK, pulled.err
    feed, batch_id, counted = pulled.out.rstrip("\n").split("\t")
    assert (feed, counted) == (feed_id, "2 new, 0 known, 0 duplicate, 1 skipped")
    assert "skipped Watch: the harbour: " in pulled.err
    assert f"riddlewire batch {batch_id}" in pulled.err
    assert again.out.rstrip("\n").split("\t") == [feed_id, "-", "0 new, 0 known, 0 duplicate, 0 skipped"]
    assert "nothing changed since the last pull" in again.err
    (report,) = later.json
    assert (report["feed"], report["entries"]["new"], report["entries"]["known"]) == (feed_id, 1, 1)
    assert report["batch"]["id"] not in {None, batch_id}
    assert not stub.requests, "pulling asks no model"
    made = await run(cli, "batch", batch_id, "-o", str(output))
    assert made.code == Exit.OK, made.err
    items = [json.loads(line) for line in output.read_text().splitlines()]
    assert [item["riddle"]["article"]["title"] for item in items] == ["Story 0", "Story 1"]
    assert real_articles(1)[0].text[:200] in "".join(request.text for request in stub.requests)


async def test_a_feed_that_cannot_be_read_keeps_no_other_back_and_is_told_with_its_reason(cli: Cli) -> None:
    async with feed_server(rss(real_item(0))) as good, feed_server() as bad:
        bad.answers = [web.Response(status=404)]
        good_id, bad_id = [(await run(cli, "feeds", "add", server.url)).out.strip() for server in (good, bad)]
        ended = await run(cli, "feeds", "pull", "--all")
        listed = (await run(cli, "feeds", "list", "--json")).json
    assert ended.code == Exit.INPUT
    assert ended.out.startswith(f"{good_id}\tbat_")
    assert len(ended.out.splitlines()) == 1
    assert "cannot fetch" in ended.err
    assert "the server answered 404" in ended.err
    status = {feed["id"]: (feed["last_status"], feed["failures"]) for feed in listed}
    assert status == {good_id: ("ok", 0), bad_id: ("failed", 1)}


async def test_a_feed_that_is_not_there_is_told(cli: Cli) -> None:
    ended = await run(cli, "feeds", "pull", "feed_none")
    assert ended.code == Exit.FAILED
    assert ended.out == ""
    assert "feed_none" in ended.err
