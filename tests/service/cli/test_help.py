from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from service.cli.exits import Exit

if TYPE_CHECKING:
    from tests.service.cli.running import Cli

_DOCUMENT = Path(__file__).parents[3] / "docs" / "cli.md"
_HEAVY = "asyncio chromadb fastapi langchain_core numpy openai pydantic sqlalchemy torch transformers uvicorn xllamacpp"
_PROBE = f"""
import sys
from service.cli.main import run
run(["--help"])
print("heavy:", *sorted(set("{_HEAVY}".split()) & set(sys.modules)))
"""


def test_the_document_shows_the_help_as_it_is() -> None:
    made = subprocess.run([sys.executable, "-m", "service.cli.reference"], capture_output=True, text=True, check=True)
    assert made.stdout == _DOCUMENT.read_text(encoding="utf-8"), "python -m service.cli.reference > docs/cli.md"


def test_the_document_explains_every_exit_code() -> None:
    text = _DOCUMENT.read_text(encoding="utf-8")
    assert all(f"| {code.value} | {code.meaning} |" in text for code in Exit)


def test_help_imports_nothing_heavy() -> None:
    probed = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, text=True, check=True)
    assert probed.stdout.splitlines()[-1] == "heavy:"


def test_version_is_the_packages(cli: Cli) -> None:
    assert cli("--version").out == f"riddlewire {version('riddlewire')}\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["fly"], "No such command 'fly'"),
        (["riddle"], "Missing argument 'FILE|URL|-'"),
        (["riddle", "a.txt", "--speed", "9"], "No such option: --speed"),
        (["examples", "list", "--limit", "many"], "Invalid value for '--limit'"),
        (["riddle", "a.txt", "--url", "http://127.0.0.1:1", "--explain"], "not with --url"),
        (["prompts", "render", "riddle", "--set", "nothing"], "--set takes NAME=TEXT"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(cli: Cli, arguments: list[str], complaint: str) -> None:
    ended = cli(*arguments)
    assert (ended.code, ended.out) == (Exit.USAGE, "")
    assert complaint in ended.err
    assert ended.err.count("\n") == 1


def test_a_group_without_command_shows_its_help(cli: Cli) -> None:
    ended = cli("keys")
    assert "revoke" in ended.out
    assert ended.err == ""


def test_an_error_is_one_line_without_traceback(cli: Cli) -> None:
    ended = cli.process("prompts", "show", "nosuchprompt")
    assert ended.code == Exit.FAILED
    assert ended.err.startswith("riddlewire: no prompt 'nosuchprompt'")
    assert ended.err.count("\n") == 1


def test_debug_shows_the_traceback(cli: Cli) -> None:
    ended = cli.process("--debug", "prompts", "show", "nosuchprompt")
    assert ended.code == Exit.FAILED
    assert "Traceback" in ended.err
    assert "NotFound" in ended.err


def test_a_setting_that_cannot_be_used_is_exit_code_5(cli: Cli) -> None:
    ended = cli("keys", "list", RIDDLEWIRE_PORT="eighty")
    assert ended.code == Exit.CONFIGURATION
    assert "RIDDLEWIRE_PORT" in ended.err


def test_home_on_the_command_line_counts_before_the_environment(cli: Cli, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert cli("--home", str(other), "keys", "list").code == Exit.OK
    assert other.is_dir()
    assert not cli.home.exists()
