"""Reads a whole answer into a `Draft`, and writes a `Draft` as models are shown it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from chains.parsing.labels import ends_draft, is_rule, match_label
from chains.parsing.sections import LONGEST_READ, Sections
from domain.errors import RiddlewireError
from domain.riddle import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator

_BULLETS: Final = re.compile(r"(?:(?:[-*•]|\d{1,2}[.)])\s+)+")
_LONGEST_ANSWER: Final = 400
"""Characters; no answer of seven words is as long, and the gate refuses what is left of a longer one."""
_QUOTES: Final = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019", "«": "»", "*": "*", "_": "_", "`": "`"}


class UnparsableDraft(RiddlewireError):
    """A model's answer that is no draft.

    Args:
        reasons: What is missing, in sentences that can be shown to the model.
    """

    def __init__(self, reasons: tuple[str, ...]) -> None:
        self.reasons = reasons
        super().__init__(" ".join(reasons))


def parse_draft(text: str) -> Draft:
    """Read `Answer:`, `Riddle:`, any `Hint:` and an optional `Summary:` in any order.

    Skipped: what stands before the first label, what follows the answer's line, and what follows a blank line after
    a hint or the summary. Everything after a mark (`###`, `[Article 3]`) or a second `Answer:`, `Riddle:` or
    `Summary:` is cut, and so is what comes after 100,000 characters. Blank lines inside a riddle go.

    Raises:
        UnparsableDraft: The answer or the riddle is missing or empty.
    """
    reader = _Reader()
    for line in text[:LONGEST_READ].split("\n"):
        reader.read(line)
        if reader.sections.done:
            break
    return reader.draft()


def render_draft(draft: Draft) -> str:
    """Write a draft as labelled plain text; `parse_draft` reads the same draft back if it came from there."""
    summary = [f"Summary: {draft.summary}"] if draft.summary else []
    hints = [f"Hint: {hint}" for hint in draft.hints]
    return "\n".join([*summary, f"Answer: {draft.answer}", "Riddle:", draft.riddle, *hints])


class _Reader:
    """Collects the parts of one draft, line by line."""

    def __init__(self) -> None:
        self.sections = Sections()
        self._answer = ""
        self._riddle: list[str] = []
        self._hints: list[list[str]] = []
        self._summary: list[str] = []
        self._after_blank = False

    def read(self, line: str) -> None:
        label, rest = self.sections.strip_labels(line)
        if self.sections.done:
            return
        if label is not None:
            self._after_blank = False
            if label.name == "hint":
                self._hints.append([])
        if not rest or is_rule(rest):
            self._after_blank = self._after_blank or label is None
        else:
            self._add(rest)

    def draft(self) -> Draft:
        reasons = tuple(self._missing())
        if reasons:
            raise UnparsableDraft(reasons)
        return Draft(
            answer=self._answer,
            riddle="\n".join(self._riddle),
            hints=tuple(" ".join(parts) for parts in self._hints if parts),
            summary=" ".join(self._summary) or None,
        )

    def _add(self, text: str) -> None:
        match self.sections.current:
            case "answer":
                self._answer = self._answer or _bare(text)
            case "riddle":
                self._riddle.append(text)
            case "summary":
                if not (self._after_blank and self._summary):
                    self._summary.append(text)
            case "hint":
                self._add_hint(text)

    def _add_hint(self, text: str) -> None:
        bullets = _BULLETS.match(text)
        hint = text[bullets.end() :] if bullets else text
        if _is_special(hint):  # without its bullet it would be taken for another line
            hint = text
        if bullets and self._hints[-1]:
            self._hints.append([hint])
        elif not (self._after_blank and self._hints[-1]):
            self._hints[-1].append(hint)

    def _missing(self) -> Iterator[str]:
        if not self._answer:
            yield 'There is no line that starts with "Answer:" and names the answer.'
        if not self._riddle:
            yield 'There is no riddle after a line that starts with "Riddle:".'


def _bare(answer: str) -> str:
    """The answer without the quotes, emphasis or full stop around it, unless that would make it look like a label."""
    bare = answer[:_LONGEST_ANSWER].rstrip()
    while True:
        shorter = bare.removesuffix(".").rstrip()
        if len(shorter) > 2 and _QUOTES.get(shorter[0]) == shorter[-1]:  # noqa: PLR2004 -- two quotes and something
            shorter = shorter[1:-1].strip()
        if shorter == bare or not shorter or _is_special(shorter):
            return bare
        bare = shorter


def _is_special(line: str) -> bool:
    """Whether it begins with a label or a mark, or is a line across."""
    return match_label(line) is not None or ends_draft(line) or is_rule(line)
