"""Everything that can be wrong with a prompt file is refused with the line, the reason and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain.errors import InvalidFile
from prompts.promptfile import load_prompt
from tests.prompts.files import write, write_prompt

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """\
name: riddle
version: 1
description: For tests.
variables: [summary]
messages:
"""
HUMAN = """\
  - role: human
    content: "{summary}"
"""


def refused(path: Path, text: str) -> InvalidFile:
    write(path, text)
    with pytest.raises(InvalidFile) as caught:
        load_prompt(path, "user")
    return caught.value


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (HEAD + HUMAN + "extra: 1\n", 8, "a prompt file knows no key 'extra': it may have description,"),
        (HEAD + HUMAN + "descripton: x\n", 8, "did you mean 'description'?"),
        (HEAD + HUMAN + "version: 2\n", 8, "the key 'version' stands twice: remove one"),
        (HEAD.replace("version: 1", "version: one") + HUMAN, 2, "version must be a whole number, not text"),
        (HEAD.replace("version: 1", "version: 0") + HUMAN, 2, "version must be from 1 to 1000000, not 0"),
        (HEAD.replace("version: 1\n", "") + HUMAN, 1, "version is missing"),
        (HEAD.replace("name: riddle", "name: No Spaces") + HUMAN, 1, "must be lower-case words joined by hyphens"),
        (HEAD.replace("For tests.", "no") + HUMAN, 3, "description must be text, not true or false: put it in quotes"),
        (HEAD.replace("For tests.", "' '") + HUMAN, 3, "description is blank"),
        (HEAD.replace("[summary]", "summary") + HUMAN, 4, "variables must be a list"),
        (HEAD.replace("[summary]", "[summary, summary]") + HUMAN, 4, "the variable 'summary' is declared twice"),
        (HEAD.replace("[summary]", "[summary, title]") + HUMAN, 4, "'title' is declared but no message uses it"),
        (HEAD.replace("[summary]", "[summary, examples]") + HUMAN, 4, "the name 'examples' is taken"),
        (HEAD, 5, "messages must end with what asks for the answer"),
        (HEAD + "  - role: user\n    content: x\n", 6, "role 'user' must be one of system, human, ai"),
        (HEAD + "  - role: human\n    text: x\n", 6, "content is missing"),
        (HEAD + HUMAN + "  - role: ai\n    content: x\n", 5, "the last message must be of the role human"),
        (
            HEAD + '  - role: human\n    content: "{title}"\n',
            7,
            "{title} is not declared: add it to variables, or double",
        ),
        (HEAD + '  - role: human\n    content: "{example_answer}"\n', 7, "can stand in the examples block only"),
        (HEAD + HUMAN + "format: xml\n", 8, "format 'xml' must be one of chat, completion"),
        (HEAD + HUMAN + "format: completion\n", 6, "a completion has no roles: remove the role"),
        (HEAD + "  - examples: []\n" + HUMAN, 6, "the examples block needs the messages of one example"),
        ("- a\n- b\n", 1, "must be a mapping of keys to values"),
        ("", 1, "is empty"),
        ("name: [1\n", 2, "is no valid YAML"),
        ("name: &a riddle\n", 1, "uses an anchor or alias (& or *)"),
        ("name: !!python/name:os.system x\n", 1, "uses the tag"),
        ("a: " + "[" * 40 + "]" * 40 + "\n", 1, "is nested deeper than 12 levels"),
        ("? [a]\n: b\n", 1, "a key must be a plain word"),
    ],
)
def test_refusal_tells_line_and_reason(tmp_path: Path, text: str, line: int, reason: str) -> None:
    error = refused(tmp_path / "riddle.yaml", text)
    assert reason in error.reason
    assert error.line == line
    assert str(error).startswith(f"{error.path}:{line}: ")


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("fine {summary}\n      then { alone", 8, "a lone '{': double the brace ('{{')"),
        ("fine {summary}\n      then } alone", 8, "a lone '}': double the brace ('}}')"),
        ('{summary}\n      \n      a {"json": 1}', 9, "names no variable"),
        ("{summary.__class__}", 7, "names no variable"),
        ("{summary!r}", 7, "names no variable"),
        ("{summary:>9}", 7, "names no variable"),
        ("{}", 7, "names no variable"),
        ("{{{summary}}", 7, "a lone '}'"),
    ],
)
def test_wrong_braces_are_refused_at_their_own_line(tmp_path: Path, content: str, line: int, reason: str) -> None:
    error = refused(
        tmp_path / "riddle.yaml",
        HEAD + f"  - role: human\n    content: |\n      {content}\n".replace("content: |\n", "content: |\n"),
    )
    assert reason in error.reason
    assert error.line == line + 1


def test_doubled_braces_reach_the_model_as_one(tmp_path: Path) -> None:
    text = HEAD + '  - role: human\n    content: "{{{{x}}}} {{{summary}}}"\n'
    prompt = load_prompt(write(tmp_path / "riddle.yaml", text), "user")
    assert prompt.render({"summary": "S"})[-1].content == "{{x}} {S}"


def test_second_place_for_examples_is_refused(tmp_path: Path) -> None:
    block = '  - examples:\n      - {role: human, content: "{example_answer}"}\n'
    error = refused(tmp_path / "riddle.yaml", HEAD + block + block + HUMAN)
    assert (error.line, error.reason) == (8, "a prompt has one place for examples: remove this one")


def test_unknown_example_field_is_refused_with_those_there_are(tmp_path: Path) -> None:
    block = '  - examples:\n      - {role: human, content: "{example_title}"}\n'
    error = refused(tmp_path / "riddle.yaml", HEAD + block + HUMAN)
    assert "{example_title} is no field of an example: there are example_n, example_headline" in error.reason


def test_file_name_must_match_name_and_version(tmp_path: Path) -> None:
    error = refused(tmp_path / "other.yaml", HEAD + HUMAN)
    assert "must be called riddle.yaml or riddle@1.yaml" in error.reason


def test_large_file_is_refused_unread(tmp_path: Path) -> None:
    assert "is larger than 256 KiB" in refused(tmp_path / "riddle.yaml", "#" * 300_000).reason


def test_other_encodings_are_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "riddle.yaml"
    path.write_bytes("name: riddle\ndescription: Rätsel\n".encode("latin-1"))
    with pytest.raises(InvalidFile) as caught:
        load_prompt(path, "user")
    assert (caught.value.line, caught.value.reason) == (2, "is not UTF-8: save it in that encoding")


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="cannot be read"):
        load_prompt(tmp_path / "riddle.yaml", "user")


def test_content_hash_ignores_description_and_layout_but_not_text(tmp_path: Path) -> None:
    first = load_prompt(write_prompt(tmp_path / "a"), "user")
    described = write_prompt(tmp_path / "b")
    described.write_text(described.read_text().replace("For tests.", "Other words.  # and a comment"))
    worded = load_prompt(write_prompt(tmp_path / "c", system="Make good riddles."), "user")
    assert load_prompt(described, "user").content_hash == first.content_hash
    assert worded.content_hash != first.content_hash


def test_draft_is_told_by_its_reference(tmp_path: Path) -> None:
    path = write_prompt(tmp_path)
    path.write_text(path.read_text() + "draft: true\n")
    prompt = load_prompt(path, "user")
    assert prompt.ref == f"riddle@2-draft.{prompt.content_hash[:8]}"
