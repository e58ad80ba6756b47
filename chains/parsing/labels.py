"""What one line of a model's answer is: a label, a mark that ends the draft, or text.

A label is one of `Answer`, `Riddle`, `Hint`, `Hints`, `Summary` in any case, at the start of a line, perhaps numbered
(`Hint 2`), perhaps in markdown (`**Answer:**`, `## Riddle:`, `- Hint:`), followed by a colon. `Article`, `Headline` and
`Explanation` are labels too: they end the draft, because a model that writes them has begun something else.
Marks that end the draft are what prompts put between examples (`###`, `[Article 3]`), chat tokens and closing tags.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

LabelName = Literal["answer", "riddle", "hint", "summary", "end"]

_NAMES: Final[dict[str, LabelName]] = {
    "answer": "answer",
    "riddle": "riddle",
    "hints": "hint",
    "hint": "hint",
    "summary": "summary",
    "article": "end",
    "headline": "end",
    "explanation": "end",
}
_SPACE: Final = re.compile(r"\s*")
_MARKUP: Final = "*#_>-• \t"
_RULES: Final = frozenset("-*_#=~")
_MARKS: Final = ("###", "[article", "[summary", "[riddle", "<|", "```", "</")

# Everything is bounded: neither a match nor the question "may this become a label?" depends on the line's length.
_LABEL: Final = re.compile(
    r"[*#_>\-• \t]{0,12}?(?P<open>[*_]{0,3})(?P<name>" + "|".join(_NAMES) + r")"
    r"[ \t]{0,3}(?:#?\d{1,2}|\([^()\n]{1,20}\))?[ \t]{0,3}[*_]{0,3}[ \t]{0,3}[:\uFF1A]",
    re.IGNORECASE | re.ASCII,
)
_UNFINISHED_TAIL: Final = re.compile(
    r"[ \t]{0,3}(?:#?\d{0,2}|\([^()\n]{0,20}\)?)[ \t]{0,3}[*_]{0,3}[ \t]{0,3}", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Label:
    """A label in a line.

    Args:
        name: Which section begins; `end` for labels that end the draft.
        end: Where the label ends in the line, colon and white space included.
        emphasis: Markdown opened before the name, which may be closed after the colon: `**Answer:** fog`.
    """

    name: LabelName
    end: int
    emphasis: str

    def rest(self, line: str) -> int:
        """Where the text after the label begins in its line, without the markdown that closes around the label."""
        if self.emphasis and line.startswith(self.emphasis, self.end):
            return skip_space(line, self.end + len(self.emphasis))
        return self.end


def match_label(line: str, start: int = 0) -> Label | None:
    """The label that stands at `start`, where no white space is."""
    match = _LABEL.match(line, start)
    if match is None:
        return None
    return Label(_NAMES[match["name"].lower()], skip_space(line, match.end()), match["open"])


def skip_space(line: str, start: int) -> int:
    """Where the next visible character is at or after `start`."""
    match = _SPACE.match(line, start)
    return match.end() if match else start


def ends_draft(line: str) -> bool:
    """Whether a line without a label is a mark between examples, a chat token or a closing tag."""
    return line[:_LONGEST_MARK].lower().startswith(_MARKS)


def is_rule(line: str) -> bool:
    """Whether a line is drawn of one character, such as `---`: markdown's line across, no text."""
    return 0 < len(line) <= _LONGEST_LABEL and line[0] in _RULES and not line.strip(line[0])


def may_become_special(line: str) -> bool:
    """Whether more characters could still turn the beginning of a line into a label or a mark."""
    if len(line) > _LONGEST_LABEL:
        return False
    lowered = line.lower()
    if any(mark.startswith(lowered) for mark in _MARKS):
        return True
    core = lowered.lstrip(_MARKUP)
    if len(lowered) - len(core) > _LONGEST_MARKUP:
        return False
    return any(name.startswith(core) or _is_unfinished(core, name) for name in _NAMES)


def _is_unfinished(core: str, name: str) -> bool:
    return core.startswith(name) and _UNFINISHED_TAIL.fullmatch(core, len(name)) is not None


_LONGEST_MARK: Final = max(map(len, _MARKS))
_LONGEST_MARKUP: Final = 12 + 3
_LONGEST_LABEL: Final = 64
