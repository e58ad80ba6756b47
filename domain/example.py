"""The pre-made example: an article with its summary, answer, riddle and hints, written or approved by a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from domain.article import content_hash, has_visible_text
from domain.errors import InvalidExample

Origin = Literal["shipped", "imported", "added", "promoted"]
"""Where an example came from: the package, a JSONL import, the API or command line, a promoted riddle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What retrieval looks for and prompts show.

    Args:
        article: Body of the example's article.
        summary: One or two sentences.
        answer: What is to be guessed, 2 to 7 words.
        riddle: Two to six lines.
        hints: From gentle to nearly giving it away.
        headline: Title of the article; may be empty.
        topic: A short lower-case word used as a filter; may be empty.
        tenant: Whose example it is; None is everybody's. A tenant sees its own and everybody's.
        origin: Where it came from.
        id: Stable over edits. Empty until stored: then the store gives `ex_` and 16 hex digits.

    Raises:
        InvalidExample: A required field is blank or holds NUL bytes or lone surrogates.
    """

    article: str
    summary: str
    answer: str
    riddle: str
    hints: tuple[str, ...] = ()
    headline: str = ""
    topic: str = ""
    tenant: str | None = None
    origin: Origin = "added"
    id: str = ""

    def __post_init__(self) -> None:
        for name in ("article", "summary", "answer", "riddle"):
            if not has_visible_text(getattr(self, name)):
                raise InvalidExample(name, "is blank")
        for name in ("article", "summary", "answer", "riddle", "headline", "topic"):
            _check_characters(name, getattr(self, name))
        for hint in self.hints:
            _check_characters("hints", hint)

    @property
    def content_hash(self) -> str:
        """SHA-256 of all that a prompt or filter can see: the id of its vector in the index."""
        return content_hash(
            self.tenant or "",
            self.topic,
            self.headline,
            self.article,
            self.summary,
            self.answer,
            self.riddle,
            *self.hints,
        )


def _check_characters(name: str, value: str) -> None:
    if "\x00" in value:
        raise InvalidExample(name, "contains NUL bytes")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidExample(name, "contains lone surrogates, which are not valid Unicode text") from None
