"""What changed between two versions of a prompt, for people."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prompts.prompt import MessageTemplate, Prompt


def diff_prompts(old: Prompt, new: Prompt) -> str:
    """A unified diff of all that reaches a model; empty where nothing that does differs."""
    lines = difflib.unified_diff(_lines(old), _lines(new), old.ref, new.ref, lineterm="")
    return "\n".join(lines)


def _lines(prompt: Prompt) -> list[str]:
    head = [f"format: {prompt.format}", f"variables: {', '.join(prompt.variables)}"]
    examples = _block("examples", prompt.examples or ())
    return [*head, *_block("", prompt.before), *examples, *_block("", prompt.after), *_block("retry", prompt.retry)]


def _block(title: str, parts: tuple[MessageTemplate, ...]) -> list[str]:
    return [
        line for part in parts for line in (f"[{title} {part.role}]".replace("[ ", "["), *part.content.splitlines())
    ]
