"""Writes the user's prompt and pipeline files."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PROMPT = """\
name: {name}
version: {version}
description: For tests.
variables: [summary]
messages:
  - role: system
    content: {system}
  - role: human
    content: "{{summary}}"
"""

PIPELINE = """\
name: {name}
description: For tests.
model: scripted:test
steps:
  - step: summarize
    prompt: summarize
    settings: {{max_tokens: 10}}
  - step: riddle
    prompt: {prompt}
    settings: {{max_tokens: 10}}
"""


def write(path: Path, text: str) -> Path:
    """Writes a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text), "utf-8")
    return path


def write_prompt(
    home: Path, *, name: str = "riddle", version: int = 2, system: str = "Make riddles.", file: str | None = None
) -> Path:
    """A well-formed prompt of the user's."""
    path = home / "prompts" / f"{file or name}.yaml"
    return write(path, PROMPT.format(name=name, version=version, system=system))


def write_pipeline(home: Path, *, name: str = "mine", prompt: str = "riddle") -> Path:
    """A well-formed pipeline of the user's."""
    return write(home / "pipelines" / f"{name}.yaml", PIPELINE.format(name=name, prompt=prompt))
