from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from service.cli.exits import Exit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.cli.running import Cli

SHIPPED = 480

FOG: dict[str, Any] = {
    "headline": "Fog shuts the airport",
    "article": "Dense fog kept every plane on the ground at the island's airport for two days.",
    "summary": "Fog closed the island's airport for two days.",
    "answer": "fog at the airport",
    "riddle": "I have no wings,\nyet I keep all of them down.",
    "hints": ["You cannot see through me.", "I am a cloud that sat down."],
    "topic": "weather",
}


def _add(cli: Cli, article: Path) -> str:
    article.write_text(FOG["article"], encoding="utf-8")
    ended = cli(
        *("examples", "add", str(article), "--headline", FOG["headline"], "--summary", FOG["summary"]),
        *("--answer", FOG["answer"], "--riddle", FOG["riddle"].replace("\n", r"\n"), "--topic", FOG["topic"]),
        *("--hint", FOG["hints"][0], "--hint", FOG["hints"][1]),
    )
    assert ended.code == Exit.OK, ended.err
    return ended.out.strip()


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "ours.jsonl"
    path.write_text(json.dumps(FOG) + "\n", encoding="utf-8")
    return path


def test_a_fresh_data_folder_has_the_shipped_examples(shared: Cli) -> None:
    ended = shared("examples", "list", "--limit", "0")
    assert len(ended.out.splitlines()) == SHIPPED
    assert ended.err == ""


def test_the_list_says_when_it_is_cut(shared: Cli) -> None:
    ended = shared("examples", "list", "-n", "3")
    assert len(ended.out.splitlines()) == 3
    assert f"3 of {SHIPPED}" in ended.err


def test_an_added_example_is_found_by_a_search_and_gone_when_removed(cli: Cli, tmp_path: Path) -> None:
    added = _add(cli, tmp_path / "fog.txt")
    best = cli("examples", "search", "airport closed by dense fog", "--json").json[0]
    assert best["id"] == added
    assert best["score"] > 0.5
    assert {name: best[name] for name in FOG} == FOG
    assert cli("examples", "remove", added).code == Exit.OK
    found = cli("examples", "search", "airport closed by dense fog", "-k", "20", "--json").json
    assert added not in {example["id"] for example in found}


def test_adding_the_same_twice_keeps_one(cli: Cli, tmp_path: Path) -> None:
    assert _add(cli, tmp_path / "fog.txt") == _add(cli, tmp_path / "fog.txt")


def test_a_search_takes_a_file_and_a_topic(shared: Cli, lines: Path) -> None:
    found = shared("examples", "search", f"@{lines}", "-k", "4", "--topic", "sport", "--json").json
    assert len(found) == 4
    assert {example["topic"] for example in found} == {"sport"}


def test_importing_twice_changes_nothing(cli: Cli, lines: Path) -> None:
    assert cli("examples", "import", str(lines), "--json").json["added"] == 1
    again = cli("examples", "import", str(lines), "--json").json
    assert again == {"added": 0, "updated": 0, "unchanged": 1, "rejected": []}


def test_bad_lines_are_reported_by_number_and_the_good_ones_kept(cli: Cli) -> None:
    text = f"not json\n{json.dumps(FOG)}\n{json.dumps({**FOG, 'riddle': ' '})}\n"
    ended = cli("examples", "import", "-", stdin=text)
    assert ended.code == Exit.INPUT
    assert ended.out == "1 added, 0 updated, 0 unchanged, 2 rejected\n"
    assert "line 1:" in ended.err
    assert "line 3:" in ended.err


def test_what_is_exported_is_unchanged_by_an_import(shared: Cli, tmp_path: Path) -> None:
    backup = tmp_path / "backup.jsonl"
    assert shared("examples", "export", str(backup)).code == Exit.OK
    assert len(backup.read_text(encoding="utf-8").splitlines()) == SHIPPED
    report = shared("examples", "import", str(backup), "--json").json
    assert (report["added"], report["updated"], report["unchanged"]) == (0, 0, SHIPPED)


def test_an_example_cannot_command_the_terminal(cli: Cli) -> None:
    hostile = {**FOG, "headline": "\x1b]0;owned\x07Fog \u202egnihton", "answer": "\x1b[2Jfog"}
    cli("examples", "import", "-", stdin=json.dumps(hostile))
    listed = cli("examples", "list", "--limit", "0").out
    assert "\tfog\tFog gnihton\n" in listed
    assert "\x1b" not in listed
    assert "\x1b" not in cli("examples", "export").out


def test_removing_an_unknown_example_fails(shared: Cli) -> None:
    ended = shared("examples", "remove", "ex_0000000000000000")
    assert ended.code == Exit.FAILED
    assert "ex_0000000000000000" in ended.err


def test_a_file_that_is_not_there_is_named(shared: Cli) -> None:
    ended = shared("examples", "import", "nosuch.jsonl")
    assert ended.code == Exit.INPUT
    assert "nosuch.jsonl cannot be read: No such file" in ended.err


def test_a_reader_that_stops_reading_ends_the_export_quietly(shared: Cli) -> None:
    process = shared.start("examples", "export")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == Exit.BROKEN_PIPE
    assert process.stderr.read() == ""
    process.stderr.close()
