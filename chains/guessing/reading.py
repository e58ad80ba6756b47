"""A guess as it is compared: without case, accents, marks, small words, and what the riddle itself has said."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from chains.words import content_words, related, words
from domain.article import content_hash

LONGEST_GUESS: Final = 200
"""Characters that are read: a guess names a story, it does not tell it."""


def readable(text: str) -> str:
    """The text without control, format (zero-width, direction) and unassigned characters, clipped to `LONGEST_GUESS`.

    Space-like controls become spaces, so that words stay apart.
    """
    seen = (char if unicodedata.category(char)[0] != "C" else _instead(char) for char in text[: 4 * LONGEST_GUESS])
    return "".join(seen)[:LONGEST_GUESS]


def fingerprint(guess: str) -> str:
    """Equal for guesses that differ in case, accents, punctuation and white space only; 64 hex digits."""
    return content_hash(" ".join(words(readable(guess))))


def telling_words(text: str) -> tuple[str, ...]:
    """The words of a text that tell something; all of its words where none does."""
    return content_words(text) or words(text)


def fresh_words(guess: str, answer: str, shown: str) -> tuple[str, ...]:
    """The guess's telling words that do not merely repeat the riddle.

    Pasting the riddle is no guess. A word of the answer counts wherever else it stands, since hints may use it.

    Args:
        guess: What the reader wrote.
        answer: What is to be guessed.
        shown: Riddle and hints.
    """
    secret, seen = telling_words(answer), _spoken(shown)
    return tuple(
        word
        for word in telling_words(readable(guess))
        if word not in seen or any(related(word, other) for other in secret)
    )


@lru_cache(maxsize=512)
def _spoken(shown: str) -> frozenset[str]:
    return frozenset(words(shown))


def _instead(char: str) -> str:
    return " " if char.isspace() else ""
