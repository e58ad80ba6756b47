from __future__ import annotations

from pathlib import Path

from retrievers.feeds import fetcher, hosts, item, loader, sketch
from retrievers.feeds.rss import parse_rss
from service.feeds import schedule, scheduler, sorting
from service.setting_groups.background import FeedSettings
from service.storage import feed_entries, feeds

ROOT = Path(__file__).parents[3]
PAGE = " ".join((ROOT / "docs" / "feeds.md").read_text(encoding="utf-8").split())


def test_the_page_names_the_numbers_of_the_code() -> None:
    settings = FeedSettings()
    assert f"is long ({item.WHOLE} letters" in PAGE
    assert f"a teaser of {item.TEASER} letters" in PAGE
    assert f"Of one reading {sorting.LOOKED_AT} entries" in PAGE
    assert f"more than {fetcher.FEED_BYTES // 1_000_000} MB or {item.MAX_ENTRIES:,} entries is refused" in PAGE
    assert f"more than {loader.MAX_LETTERS // 1_000_000} million letters" in PAGE
    assert f"agree to a quarter ({sketch.ALIKE})" in PAGE
    assert f"for {sorting.PATIENCE.days} days" in PAGE
    assert f"the line is at {sketch.SAME}" in PAGE
    assert f"`RIDDLEWIRE_FEEDS_MEMORY_DAYS` ({settings.memory_days})" in PAGE
    assert f"`RIDDLEWIRE_FEEDS_KEEP_DAYS` ({settings.keep_days})" in PAGE
    assert f"`RIDDLEWIRE_FEEDS_ARTICLES` ({settings.articles})" in PAGE
    assert f"`RIDDLEWIRE_FEEDS_PULL_S` ({settings.pull_s:g})" in PAGE
    assert f"looks every {scheduler.LOOK_EVERY_S:g} seconds" in PAGE
    assert f"free after {feeds.LEASE.total_seconds() / 60:g} minutes" in PAGE
    assert f"tried again in {schedule.FIRST_WAIT.total_seconds() / 60:g} minutes" in PAGE
    assert f"else {hosts.WAIT_S / 60:g} minutes" in PAGE
    assert feed_entries.MOST_TRIES == 3
    assert "three times in all" in PAGE
    assert f"more than {item.MAX_TEXT:,} letters is skipped" in PAGE
    assert settings.pulls == 4
    assert "Four feeds at once in a process" in PAGE
    assert f"on every redirect, {settings.fetch_s:g} s" in PAGE


def test_the_longest_pull_ends_before_its_claim_does() -> None:
    longest = next(limit.le for limit in FeedSettings.model_fields["pull_s"].metadata if hasattr(limit, "le"))
    assert longest + 120 < feeds.LEASE.total_seconds()


def test_the_feed_that_ships_copies_no_example() -> None:
    """The pre-made examples are measured with: a copy of one in the sample would flatter the first edition."""
    from retrievers.feeds.sketch import shares
    from retrievers.shipped import read_shipped

    body = (ROOT / "retrievers" / "data" / "sample_feed.xml").read_bytes()
    samples = [sketch.sketch(one.text) for one in parse_rss(body, url="sample:")]
    examples = [sketch.sketch(example.article) for example in read_shipped()]
    assert not any(shares(len(a & b), len(a), len(b)) for a in samples for b in examples)
