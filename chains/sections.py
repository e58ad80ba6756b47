"""Divides a long text into sections of bounded tokens: at paragraphs, then sentences, then wherever it must."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LEAST_LIMIT: Final = 8
"""Tokens; so many always hold one character."""

_PARAGRAPH: Final = re.compile(r"\n[^\S\n]*\n\s*")
_SENTENCE: Final = re.compile(r"(?<=[.!?\u2026])\s+|(?<=[.!?][\"'\u201d\u2019)])\s+|(?<=[\u3002\uff01\uff1f])")
_JOINT_TOKENS: Final = 2
_CHARS_PER_TOKEN: Final = 4
"""Where the search for a cut begins; a wrong guess costs a few more counts, nothing else."""
_MOST_CHARS_PER_TOKEN: Final = 32
"""No text of more characters a token is worth counting before it is cut."""


def split_sections(text: str, count: Callable[[str], int], limit: int) -> list[str]:
    """Sections in order, each of at most `limit` tokens, filled one after the other; white space between them goes.

    Args:
        text: Any text.
        count: Tokens of a text. Two texts joined by a space or a blank line must not have more than two tokens more
            than both alone.
        limit: Tokens, `LEAST_LIMIT` or more.
    """
    sections: list[str] = []
    room = 0
    for piece, joint, tokens in _pieces(text, count, limit):
        if sections and tokens + _JOINT_TOKENS <= room:
            sections[-1] += joint + piece
            room -= tokens + _JOINT_TOKENS
        else:
            sections.append(piece)
            room = limit - tokens
    return sections


def clip(text: str, count: Callable[[str], int], limit: int) -> str:
    """The beginning of a text, of at most `limit` tokens, cut between words where there are any."""
    if limit < 1:
        return ""
    return next(_cut(text.strip(), count, limit), ("", 0))[0]


def _pieces(text: str, count: Callable[[str], int], limit: int) -> Iterator[tuple[str, str, int]]:
    """Pieces that fit a section, what joins each to the one before, and their tokens."""
    for paragraph in _PARAGRAPH.split(text.strip()):
        joint = "\n\n"
        whole = _count_if_small(paragraph, count, limit)
        if whole is not None:
            yield paragraph, joint, whole
            continue
        for sentence in _SENTENCE.split(paragraph):
            for piece, tokens in _cut(sentence.strip(), count, limit):
                yield piece, joint, tokens
                joint = " "


def _cut(text: str, count: Callable[[str], int], limit: int) -> Iterator[tuple[str, int]]:
    """A text in pieces of at most `limit` tokens, and the tokens of each."""
    start = 0
    while start < len(text):
        size = limit * _CHARS_PER_TOKEN
        tokens = _count_if_small(text[start:], count, limit) if len(text) - start <= 2 * size else None
        if tokens is not None:
            yield text[start:].strip(), tokens
            return
        piece, tokens = _beginning(text[start : start + size], count, limit)
        yield piece.strip(), tokens
        start += len(piece)


def _beginning(text: str, count: Callable[[str], int], limit: int) -> tuple[str, int]:
    """The text less as much of its end as does not fit, if possible a whole number of words."""
    piece = _whole_words(text)
    while (tokens := count(piece)) > limit and len(piece) > 1:
        size = min(len(piece) * limit // tokens, len(piece) - 1)
        piece = _whole_words(piece[: max(size, 1)])
    return piece, tokens


def _whole_words(text: str) -> str:
    """The text up to its last white space, if that is in the last quarter."""
    last = max(text.rfind(" "), text.rfind("\n"))
    return text[: last + 1] if last > len(text) * 3 // 4 else text


def _count_if_small(text: str, count: Callable[[str], int], limit: int) -> int | None:
    """Tokens of a text that fits the limit; None when it does not, or is too long to be counted for nothing."""
    if len(text) > limit * _MOST_CHARS_PER_TOKEN:
        return None
    tokens = count(text)
    return tokens if tokens <= limit else None
