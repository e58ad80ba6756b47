"""Feeds that list more than one pull looks at are taken whole in the end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import event

from service.feeds.sorting import LOOKED_AT
from service.storage.feed_rows import FeedSpec
from tests.service.feeds.outcomes import outcomes

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

    from tests.service.feeds.conftest import OpenFeeds
    from tests.support.feeds import RememberedBatches


def feed_file(home: Path, *lines: str) -> Path:
    file = home / "feeds" / "news.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


def stories(*numbers: int) -> list[str]:
    return [json.dumps({"text": f"Story {number}"}) for number in numbers]


async def test_a_long_feed_is_taken_pull_by_pull_and_so_is_what_is_appended(
    open_them: OpenFeeds, batches: RememberedBatches, tmp_path: Path
) -> None:
    feeds = open_them(articles=300)
    file = feed_file(tmp_path / "home", *stories(*range(520)))
    feed = await feeds.add(FeedSpec(kind="jsonl", url="news.jsonl"))
    reports = [await feeds.pull(feed.id) for _ in range(3)]
    assert [(one.new, one.left, one.is_unchanged) for one in reports] == [
        (300, 220, False),
        (220, 0, False),
        (0, 0, True),
    ]
    file.write_text("".join(f"{line}\n" for line in stories(*range(530))))
    last = await feeds.pull(feed.id)
    assert (last.new, last.known) == (10, 520)
    assert [article.text for article in batches.articles] == [f"Story {number}" for number in range(530)]


async def test_what_gives_no_article_is_noted_pull_by_pull(
    open_them: OpenFeeds, engine: Engine, tmp_path: Path
) -> None:
    feeds = open_them()
    feed_file(tmp_path / "home", *(f"nonsense {number}" for number in range(LOOKED_AT + 20)))
    feed = await feeds.add(FeedSpec(kind="jsonl", url="news.jsonl"))
    reports = [await feeds.pull(feed.id) for _ in range(3)]
    assert [(len(one.skipped), one.left) for one in reports] == [(LOOKED_AT, 20), (20, 0), (0, 0)]
    assert len(outcomes(engine)) == LOOKED_AT + 20


async def test_a_long_feed_of_known_entries_takes_few_queries(
    open_them: OpenFeeds, engine: Engine, tmp_path: Path
) -> None:
    feeds = open_them(articles=500)
    feed_file(tmp_path / "home", *stories(*range(1_000)))
    feed = await feeds.add(FeedSpec(kind="jsonl", url="news.jsonl"))
    for left in (500, 0):
        assert (await feeds.pull(feed.id)).left == left
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    feed_file(tmp_path / "home", *stories(*range(1_001)))
    assert (await feeds.pull(feed.id)).new == 1
    assert len(asked) < 40
