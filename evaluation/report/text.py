"""What others wrote, made safe to read in a report: articles and models may send characters that mislead the eye.

Mark-up is the template's business, which escapes everything. What escaping leaves are characters that nobody sees:
controls, and those that turn the direction of writing so that one text reads as another.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST_TEXT: Final = 4000
"""Characters of one text that a report shows; a model that loops writes more than anyone wants to read."""


def clean(text: str, longest: int = LONGEST_TEXT) -> str:
    """`text` with every character visible: format characters as `[U+202E]`, other controls gone, the rest unchanged.

    New lines and tabs stay. Of marks piled upon one letter the first few stay. What is longer than `longest` characters
    says how much was left out.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    shown = _PILED.sub(r"\1", "".join(map(_visible, lines[:longest])))
    left_out = len(lines) - longest
    return f"{shown} … [{left_out:,} characters more]" if left_out > 0 else shown


def clean_line(text: str, longest: int = LONGEST_TEXT) -> str:
    """The same on one line: any white space between words is one space."""
    return " ".join(clean(text, longest).split())


def _visible(char: str) -> str:
    if char in "\n\t" or char in _JOINERS:
        return char
    category = unicodedata.category(char)
    if category in {"Cf", "Zl", "Zp"}:
        return f"[U+{ord(char):04X}]"
    return "" if category in {"Cc", "Cs", "Co", "Cn"} else char


_JOINERS: Final = "\u200c\u200d\u00ad"
"""Words of several languages, and emoji, are written with them."""

_PILED: Final = re.compile(
    r"((?:[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]){4})[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)
