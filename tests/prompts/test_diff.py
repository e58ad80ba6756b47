from __future__ import annotations

from typing import TYPE_CHECKING

from prompts import diff_prompts
from prompts.promptfile import load_prompt
from tests.prompts.files import write_prompt

if TYPE_CHECKING:
    from pathlib import Path

    from prompts import Catalog


def test_diff_names_both_versions_and_shows_what_reaches_the_model(tmp_path: Path) -> None:
    old = load_prompt(write_prompt(tmp_path / "a", version=2, system="Make riddles."), "user")
    new = load_prompt(write_prompt(tmp_path / "b", version=3, system="Make good riddles."), "user")
    diff = diff_prompts(old, new).splitlines()
    assert diff[:2] == ["--- riddle@2", "+++ riddle@3"]
    assert "-Make riddles." in diff
    assert "+Make good riddles." in diff


def test_same_text_has_no_diff(builtin: Catalog) -> None:
    prompt = builtin.prompt("riddle")
    assert diff_prompts(prompt, prompt) == ""


def test_diff_covers_examples_and_retry(builtin: Catalog) -> None:
    diff = diff_prompts(builtin.prompt("riddle"), builtin.prompt("zero-shot-riddle"))
    assert "-[examples ai]" in diff
    assert "-{example_hints}" in diff
    assert "[retry human]" in diff
