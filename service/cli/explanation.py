"""What a pipeline would retrieve and send, printed for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from service.cli.hostile import clean, clean_line
from service.cli.terminal import out, print_indented, print_table, say

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROLE_STYLES = {"system": "bold cyan", "human": "bold blue", "ai": "bold green"}


def print_explanation(explanation: Mapping[str, Any]) -> None:
    """Print an explanation as `explanation_payload` gives it."""
    say(f"Examples considered by {clean_line(explanation['pipeline'])}", "bold magenta")
    rows = (
        ("kept" if seen["kept"] else "-", f"{seen['score']:.3f}", seen["topic"], seen["headline"], seen["reason"])
        for seen in explanation["examples"]
    )
    print_table(("", "score", "topic", "headline", "reason"), rows)
    for step in explanation["steps"]:
        _print_step(step)
    for sentence in explanation["truncated"]:
        say(sentence, "yellow")
    say()


def _print_step(step: Mapping[str, Any]) -> None:
    say()
    say(f"Step {step['step']}", "bold magenta")
    shown = f"{len(step['example_ids'])} examples"
    say(f"{step['prompt']} -> {step['model']}: {step['tokens']} of {step['window']} tokens, {shown}")
    if step["note"]:
        say(step["note"], "yellow")
    for message in step["messages"]:
        print_message(message["role"], message["content"])


def print_message(role: str, content: str) -> None:
    """One message as a model gets it."""
    out().print(Text(clean_line(role), style=_ROLE_STYLES.get(role, "bold")))
    print_indented(Text(clean(content)))
