"""Text that others wrote, made safe to print: articles, models and servers may send terminal commands.

A terminal obeys what is between the letters: it moves the cursor, repaints what was said before, sets the window's
title or, at worst, answers as if the person had typed. Bidirectional overrides need no terminal bug to make one text
read as another. All of it goes; what a person can see stays.
"""

from __future__ import annotations

import re

_SEQUENCES = re.compile(
    r"""
      (?:\x1b\[|\x9b) [0-?]* [ -/]* [@-~]       # CSI: colours, cursor, erase
    | (?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])     # OSC, DCS and their like: titles, links ...
      [^\x07\x1b\x9c]* (?:\x07|\x1b\\|\x9c)      # ... up to their end
    | \x1b [ -/]* [0-~]                         # all other escape sequences
    """,
    re.VERBOSE,
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_JSON_ESCAPES = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def clean(text: str) -> str:
    """`text` without terminal sequences, control characters (newline and tab stay) and bidirectional controls."""
    return _CONTROLS.sub("", _SEQUENCES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def clean_line(text: str) -> str:
    """The same on one line: any white space between words is one space."""
    return " ".join(clean(text).split())


def escape_json(document: str) -> str:
    r"""JSON with what a terminal could obey written as `\uXXXX`: another spelling of the same document."""
    return _JSON_ESCAPES.sub(lambda match: f"\\u{ord(match.group()):04x}", document)
