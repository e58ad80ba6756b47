"""Readers' comments, made fit to be kept and shown."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from domain.article import has_visible_text

_UNSEEN: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Control characters but for tab and newline, and marks that turn the direction of what is read."""

_BLANK_LINES: Final = re.compile(r"\n\s*\n\s*\n+")


def tidy(comment: str | None) -> str | None:
    """A comment in composed form, without what cannot be seen and with one blank line at most; None for a blank one."""
    if comment is None:
        return None
    text = unicodedata.normalize("NFC", _UNSEEN.sub("", comment.replace("\r\n", "\n").replace("\r", "\n")))
    kept = _BLANK_LINES.sub("\n\n", text).strip()
    return kept if has_visible_text(kept) else None
