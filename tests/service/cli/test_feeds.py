from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.cli.exits import Exit

if TYPE_CHECKING:
    from tests.service.cli.running import Cli


def test_a_feed_is_added_listed_and_removed(cli: Cli) -> None:
    feed_id = cli("feeds", "add", "--sample").out.strip()
    added = cli(
        "feeds", "add", "https://news.example/rss", "--schedule", "*/30 * * * *", "--json"
    ).json  # fmt: skip
    assert (added["url"], added["schedule"], added["kind"]) == ("https://news.example/rss", "*/30 * * * *", "rss")
    listed = cli("feeds", "list", "--json").json
    assert [feed["id"] for feed in listed] == [added["id"], feed_id]
    assert listed[1]["url"] == "sample:"
    first_line = cli("feeds", "list").out.splitlines()[0].split("\t")
    assert first_line[:4] == [added["id"], "rss", "https://news.example/rss", "*/30 * * * *"]
    assert cli("feeds", "remove", feed_id, added["id"]).code == Exit.OK
    assert cli("feeds", "list", "--json").json == []
    assert cli("feeds", "remove", feed_id).code == Exit.FAILED


def test_the_command_line_may_name_any_loader(cli: Cli) -> None:
    added = cli(
        "feeds", "add", "--kind", "loader", "TextLoader",
        "--arg", "file_path=/srv/news.txt", "--arg", "autodetect_encoding=true", "--json",
    ).json  # fmt: skip
    assert (added["loader"], added["url"]) == ("TextLoader", None)
    assert added["arguments"] == ["autodetect_encoding", "file_path"]
    refused = cli("feeds", "add", "--kind", "loader", "NoSuchLoader")
    assert (refused.code, "no document loader 'NoSuchLoader'" in refused.err) == (Exit.FAILED, True)


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        ([], Exit.USAGE, "URL|FILE|LOADER"),
        (["https://news.example/", "--sample"], Exit.USAGE, "URL|FILE|LOADER"),
        (["--kind", "loader", "TextLoader", "--arg", "x"], Exit.USAGE, "NAME=VALUE"),
        (["news.example"], Exit.INPUT, "no http"),
        (["https://news.example/", "--schedule", "daily"], Exit.INPUT, "five fields"),
        (["https://news.example/", "--timezone", "Mars"], Exit.INPUT, "no time zone"),
        (["--kind", "jsonl", "/etc/passwd"], Exit.INPUT, "folders only"),
        (["--kind", "newsapi", "https://news.example/", "--api-key", "x"], Exit.INPUT, "RIDDLEWIRE_FEEDS_API_KEYS"),
        (["--sample", "--pipeline", "none"], Exit.FAILED, "no pipeline 'none'"),
    ],
)
def test_what_cannot_be_a_feed_is_refused_in_one_line(
    cli: Cli, arguments: list[str], code: Exit, complaint: str
) -> None:
    ended = cli("feeds", "add", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert complaint in ended.err
    assert ended.err.count("\n") == 1


def test_a_pull_names_feeds_or_takes_all(cli: Cli) -> None:
    assert cli("feeds", "pull").code == Exit.USAGE
    assert cli("feeds", "pull", "feed_1", "--all").code == Exit.USAGE
