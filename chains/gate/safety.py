"""Safety: the text would do something to the page, the terminal or the next prompt it stands in."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from chains.gate.material import Finding, Material, finding

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Safety:
    """Catches what an article may have smuggled into the model's answer: links, markup, prompt text, hidden characters.

    Riddle, answer, hints and summary may have no web or e-mail address, HTML, markdown or code, no chat tokens, fences
    or labels of a prompt, no control, bidirectional or zero-width characters, private or unassigned code points.

    Cannot see: profanity, insults, false claims, or an instruction in plain words.
    """

    name: ClassVar[str] = "safety"

    def __call__(self, material: Material) -> Finding:
        """Judge every text that readers may see."""
        draft = material.draft
        parts = (
            ("riddle", draft.riddle),
            ("answer", draft.answer),
            ("hints", "\n".join(draft.hints)),
            ("summary", material.summary),
        )
        if _is_plain("\n".join(text for _, text in parts)):
            return finding([])
        return finding([reason for part, text in parts for reason in self.reasons(part, text)])

    def reasons(self, part: str, text: str) -> Iterator[str]:
        """What is wrong with one text; `part` names it."""
        for what, pattern in _PATTERNS:
            if pattern.search(text):
                yield f"There is {what} in the {part}."
        if any(_is_hidden(text, position) for position, char in enumerate(text) if not char.isprintable()):
            yield f"There are invisible characters in the {part}."


def _is_plain(text: str) -> bool:
    """Whether nothing at all is wrong with a text: the usual case, told at once."""
    return text.replace("\n", "").isprintable() and not any(pattern.search(text) for _, pattern in _PATTERNS)


def _is_hidden(text: str, position: int) -> bool:
    """Whether a character that is not printable is out of place; joiners between letters of their scripts are not."""
    char = text[position]
    if char == "\n" or unicodedata.category(char) == "Zs":
        return False
    if char in _JOINERS:
        around = text[max(position - 1, 0) : position + 2].replace(char, "")
        return not around or around.isascii()
    return True


_JOINERS: Final = "\u200c\u200d"
_PATTERNS: Final = (
    (
        "a web or e-mail address",
        re.compile(
            r"\b(?:https?|ftp|data|javascript|mailto):\S|\bwww\.\w|\w@[\w-]{1,63}\.\w|"
            r"\w\.(?:com|org|net|info|io|gov|edu|co|biz|app|dev|xyz|uk|de|fr|eu|ru|cn)\b(?!\.\w)",
            re.IGNORECASE,
        ),
    ),
    (
        "prompt text",
        re.compile(
            r"<\||\|>|<</?SYS>>|\[/?INST\]|</?s>|###|\[(?:Article|Summary|Riddle)\b[^\]\n]{0,20}\]", re.IGNORECASE
        ),
    ),
    (
        "a label",
        re.compile(
            r"^[\s*#_>-]{0,8}(?:answer|riddle|hints?|summary|article|system|user|assistant)\s{0,3}\d{0,2}:",
            re.IGNORECASE | re.MULTILINE,
        ),
    ),
    (
        "markup",
        re.compile(
            r"</?[a-z!]|&(?:#\w{1,8}|[a-z]{2,8});|\*\*|__|`|\]\(|\{\{|\}\}|^\s{0,3}[*+>#-]\s",
            re.IGNORECASE | re.MULTILINE,
        ),
    ),
)
