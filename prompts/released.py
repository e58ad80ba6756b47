"""Released versions never change: what a stored riddle names as its prompt must stay readable as it was."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import InvalidFile
from prompts.promptfile import load_prompt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prompts.prompt import Prompt

BUILTIN = Path(__file__).with_name("released.json")
"""Content hashes of the built-in versions, `name@version` to hash; `python -m prompts.release` adds new ones."""


def builtin_hashes(path: Path = BUILTIN) -> dict[str, str]:
    """The hashes of all released built-in versions."""
    hashes: dict[str, str] = json.loads(path.read_text("utf-8"))
    return hashes


def write_builtin_hashes(hashes: Mapping[str, str], path: Path = BUILTIN) -> None:
    """Replaces the hashes of the released built-in versions."""
    path.write_text(json.dumps(dict(sorted(hashes.items())), indent=2) + "\n", "utf-8")


class ReleasedPrompts:
    """Copies of the user's own prompts as they were first put in force, one file a version.

    Args:
        folder: Where the copies are, a hidden folder beside the prompts; made when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[tuple[str, int], Prompt] = {}

    def released(self, prompt: Prompt) -> Prompt:
        """The version as it was released; the given prompt itself, from now on, where it is new.

        Raises:
            InvalidFile: The copy cannot be read or written.
        """
        key = prompt.name, prompt.version
        if key not in self._known:
            self._known[key] = self._recall(prompt)
        return self._known[key]

    def _recall(self, prompt: Prompt) -> Prompt:
        copy = self._folder / f"{prompt.name}@{prompt.version}.yaml"
        if not copy.exists():
            self._remember(prompt, copy)
            return prompt
        return load_prompt(copy, "user")

    def _remember(self, prompt: Prompt, copy: Path) -> None:
        part = copy.with_suffix(f".{os.getpid()}.part")
        try:
            self._folder.mkdir(exist_ok=True)
            part.write_bytes(prompt.path.read_bytes())
            part.replace(copy)
        except OSError as error:
            reason = f"is in force, but a copy of this version could not be kept: {error.strerror}"
            raise InvalidFile(copy, None, reason) from None
