"""A guess as it is compared: without case, accents, marks, small words, and what the riddle itself has said."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from chains.gate.leakage import gives_away
from chains.guessing.likeness import same_word
from chains.words import content_words, related, words
from domain.article import content_hash

if TYPE_CHECKING:
    from chains.guessing.secret import Secret

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


def is_answer(guess: str, answer: str) -> bool:
    """Whether a guess is the answer word for word, but for case, accents, marks and a leading article."""
    spoken = readable(guess)
    return gives_away(answer, spoken) and gives_away(spoken, answer)


def fresh_words(guess: str, secret: Secret) -> tuple[str, ...]:
    """The guess's telling words that are the reader's own: no words of the riddle, no passages of its hints.

    Pasting what everybody sees is no guess. A word of the answer counts although the riddle has it, and in a passage of
    a hint where the reader found another one: a hint with `the end of the world` takes nothing from whoever guesses
    `it is the end of the world cup`.

    Args:
        guess: What the reader wrote.
        secret: What the riddle hides and shows.
    """
    hidden, seen = telling_words(secret.answer), _spoken(secret.riddle)
    return tuple(
        word
        for word in telling_words(_without_passages(readable(guess), secret.hints, hidden))
        if word not in seen or _belongs(word, hidden)
    )


def _without_passages(guess: str, hints: tuple[str, ...], hidden: tuple[str, ...]) -> str:
    """The guess's words but for passages of hints; of those, words of the answer stay where the rest has another of it.

    With any other word beside them pasted hints stay nothing: they would tell which of them has words of the answer.
    """
    spoken = words(guess)
    pasted = _pasted(spoken, hints)
    own = [word for place, word in enumerate(spoken) if place not in pasted]
    if any(same_word(word, other) for word in own for other in hidden):
        pasted = {place for place in pasted if not _belongs(spoken[place], hidden)}
    return " ".join(word for place, word in enumerate(spoken) if place not in pasted)


def _pasted(spoken: tuple[str, ...], hints: tuple[str, ...]) -> set[int]:
    """Places of the words in runs of `_PASSAGE` or more that stand in a hint."""
    flat = [f" {' '.join(words(hint))} " for hint in hints]
    pasted: set[int] = set()
    for start in range(len(spoken) - _PASSAGE + 1):
        run = f" {' '.join(spoken[start : start + _PASSAGE])} "
        if any(run in hint for hint in flat):
            pasted.update(range(start, start + _PASSAGE))
    return pasted


def _belongs(word: str, hidden: tuple[str, ...]) -> bool:
    return any(related(word, other) for other in hidden)


@lru_cache(maxsize=512)
def _spoken(riddle: str) -> frozenset[str]:
    return frozenset(words(riddle))


def _instead(char: str) -> str:
    return " " if char.isspace() else ""


_PASSAGE: Final = 4
