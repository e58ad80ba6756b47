"""The article: what a caller hands in and a riddle hides."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import InvalidArticle

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """A news article as it came in; its text is untrusted and is never changed.

    Args:
        text: The body, at least one character that is neither white space nor invisible.
        title: The headline, if there is one.
        url: Where readers find the article.
        source: Who published it, a short name.
        published_at: When it was published, with a time zone.
        language: BCP 47 tag, if known.

    Raises:
        InvalidArticle: The text is blank, or a field holds NUL bytes or lone surrogates.
    """

    text: str
    title: str | None = None
    url: str | None = None
    source: str | None = None
    published_at: datetime | None = None
    language: str | None = None

    def __post_init__(self) -> None:
        for name in ("text", "title", "url", "source", "language"):
            value: str | None = getattr(self, name)
            if value is not None:
                _check_characters(name, value)
        if not has_visible_text(self.text):
            raise InvalidArticle("text", "is blank")

    @property
    def id(self) -> str:
        """`art_` and 24 hex digits of the content's SHA-256: the same article has the same id everywhere."""
        published = self.published_at.isoformat() if self.published_at else ""
        parts = (self.title or "", self.text, self.url or "", self.source or "", published, self.language or "")
        return f"art_{content_hash(*parts)[:24]}"


def content_hash(*parts: str) -> str:
    """SHA-256 over length-prefixed parts, as hex: no two different lists of parts share an input."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def has_visible_text(text: str) -> bool:
    """Whether any character would be seen: not white space, control, format (zero-width) or unassigned."""
    return any(not char.isspace() and unicodedata.category(char)[0] != "C" for char in text)


def _check_characters(name: str, value: str) -> None:
    if "\x00" in value:
        raise InvalidArticle(name, "contains NUL bytes")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidArticle(name, "contains lone surrogates, which are not valid Unicode text") from None
