from __future__ import annotations

from typing import TYPE_CHECKING

from service.cli.exits import Exit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.cli.running import Cli

_PROMPT = """\
name: shout
version: {version}
description: Says it loudly.
format: chat
variables: [article]
messages:
  - role: system
    content: {system}
  - role: human
    content: "{{article}}"
"""


def _write(home: Path, version: int, system: str) -> Path:
    folder = home / "prompts"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"shout@{version}.yaml"
    path.write_text(_PROMPT.format(version=version, system=system), encoding="utf-8")
    return path


def test_the_list_shows_the_packages_prompts(shared: Cli) -> None:
    names = {line.split("\t")[0] for line in shared("prompts", "list").out.splitlines()}
    assert {"riddle@1", "summarize@1"} <= names


def test_a_prompt_of_ones_own_is_listed_shown_and_rendered(cli: Cli, article: Path) -> None:
    _write(cli.home, 1, "Shout.")
    assert "shout@1\tchat\tuser" in cli("prompts", "list").out
    assert "Shout." in cli("prompts", "show", "shout").out
    messages = cli("prompts", "render", "shout", "--article", str(article), "--json").json["messages"]
    assert [message["role"] for message in messages] == ["system", "human"]
    assert messages[1]["content"] == article.read_text(encoding="utf-8")


def test_diff_of_one_name_shows_what_the_latest_version_changed(cli: Cli) -> None:
    _write(cli.home, 1, "Shout.")
    _write(cli.home, 2, "Whisper.")
    lines = cli("prompts", "diff", "shout").out.splitlines()
    assert "-Shout." in lines
    assert "+Whisper." in lines


def test_diff_of_a_prompt_with_itself_prints_nothing(shared: Cli) -> None:
    ended = shared("prompts", "diff", "riddle@1", "riddle@1")
    assert (ended.code, ended.out) == (Exit.OK, "")
    assert shared("prompts", "diff", "riddle@1", "riddle@1", "--json").json["same"] is True


def test_a_broken_file_is_reported_with_its_place(cli: Cli) -> None:
    path = _write(cli.home, 1, "Shout.")
    path.write_text("name: shout\nversion: one\n", encoding="utf-8")
    ended = cli("prompts", "list")
    assert ended.code == Exit.OK
    assert f"refused: {path}" in ended.err


def test_a_variable_that_is_missing_is_named(shared: Cli) -> None:
    ended = shared("prompts", "render", "riddle")
    assert ended.code != Exit.OK
    assert "summary" in ended.err


def test_a_variable_that_the_prompt_does_not_have_is_named(shared: Cli) -> None:
    ended = shared("prompts", "render", "riddle", "--summary", "Fog.", "--set", "mood=grim")
    assert ended.code != Exit.OK
    assert "mood" in ended.err


def test_a_rendered_prompt_shows_as_many_similar_examples_as_asked_for(shared: Cli, article: Path) -> None:
    arguments = ("prompts", "render", "riddle", "--article", str(article), "--summary", "Fog.", "--json")
    plain = shared(*arguments).json["messages"]
    with_two = shared(*arguments, "-k", "2").json["messages"]
    assert len(with_two) > len(plain)


def test_rendering_with_examples_needs_an_article(shared: Cli) -> None:
    ended = shared("prompts", "render", "riddle", "--summary", "Fog.", "-k", "2")
    assert ended.code == Exit.INPUT
    assert "--article" in ended.err
