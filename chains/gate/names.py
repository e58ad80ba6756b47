"""Names in a text, told by their capitals.

Sees capitalised words inside a sentence, capitalised words that begin a sentence when another one follows (`Owen
Strand said`), words in capitals (`NATO`), with accents, possessives and hyphens. In a headline with capitals on every
word it sees only words in capitals.
Cannot see: names in scripts without capitals (Chinese, Arabic, Hindi), single names that only ever begin a sentence,
single letters; and in German it does not look, because there every noun is capitalised. Days and months are no names
here: they tell when, not who or where.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from chains.gate.places import CALENDAR
from chains.words import STOP_WORDS, WORD, fold, fold_all, plain, word_set

if TYPE_CHECKING:
    from collections.abc import Iterator

_SAYS_NOTHING: Final = re.compile(
    r"[.!?:;\u2026\u3002\n\"\u201c\u201d\u201e\u00ab\u00bb(\[\u2014\u2013\u2022]|^$|(?:^|\s)'"
)
"""Between two words: marks after which a capital letter says nothing."""
_ABBREVIATIONS: Final = word_set("dr mr mrs ms st prof gen col sgt lt capt sen rep gov rev hon jr sr mt ft vs")
_WORDS_AND_GAPS: Final = re.compile(f"({WORD.pattern})")
"""Splits a text so that words and what stands between them alternate, a gap first."""
_JOINTS: Final = frozenset((" ", "-"))
_NO_NAMES: Final = STOP_WORDS | CALENDAR | {"mr", "mrs", "ms", "dr"}


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a text, folded.

    Args:
        known: Words that are capitalised where only names are, with how often.
        likely: Words that begin a sentence with another capitalised one after them.
        opening: Words that begin a sentence or the title and are never written small.
        certain: Those of `known` that are never written small.
    """

    known: Counter[str]
    likely: frozenset[str]
    opening: frozenset[str]
    certain: frozenset[str]

    def spoken_by(self, riddle: str) -> list[str]:
        """The words of a riddle that are names: capitalised ones, and small ones that are names twice or more.

        At the start of a line or sentence only certain names count. Inside one, where the riddle itself tells by the
        capital that it means a name, a word counts that the article has at the start of sentences alone.
        """
        read = reading_of(riddle)
        spoken = [capital.word for capital in read.capitals if self._is_spoken(capital)]
        spoken += sorted(word for word in self.certain & read.small if self.known[word] > 1)
        return list(dict.fromkeys(spoken))

    def _is_spoken(self, capital: _Capital) -> bool:
        if capital.initial:
            return capital.word in self.certain
        return capital.word in self.known or capital.word in self.likely or capital.word in self.opening


def find_names(text: str, *, title: str = "", language: str = "") -> Names:
    """The names of an article's text and title."""
    return names_of(reading_of(text), reading_of(title), language=language)


def names_of(body: Reading, heading: Reading, *, language: str = "") -> Names:
    """The names of an article whose text and title were read."""
    if language.lower().startswith(("de", "lb")):
        return Names(Counter(), frozenset(), frozenset(), frozenset())
    known = Counter(_names(body))
    known.update(_heading_names(heading, known))
    small = body.small | heading.small
    opening = frozenset(_opening(body)) | frozenset(_opening(heading))
    return Names(known, frozenset(_first_names(body)), opening - small, frozenset(known.keys() - small))


class _Capital(NamedTuple):
    """A capitalised word; `initial` where a capital says nothing, `follows` directly after the word before it."""

    word: str
    position: int
    initial: bool
    shouted: bool
    follows: bool


class Reading(NamedTuple):
    """The words of a text: capitalised ones in order, all others as a set, all together as a number."""

    capitals: list[_Capital]
    small: frozenset[str]
    length: int

    @property
    def words(self) -> frozenset[str]:
        """All words, folded."""
        return self.small.union(capital.word for capital in self.capitals)

    @property
    def shouting(self) -> bool:
        """Whether most words are in capitals, so that capitals say nothing."""
        return 2 * sum(capital.shouted for capital in self.capitals) > self.length


def reading_of(text: str) -> Reading:
    """Read a text once."""
    gaps_and_words = _WORDS_AND_GAPS.split(plain(text))
    spoken = gaps_and_words[1::2]
    capitals = [
        _capital(word, position, gaps_and_words[2 * position], spoken[position - 1] if position else "")
        for position, word in enumerate(spoken)
        if word[0].isupper()
    ]
    small = fold_all(word for word in set(spoken) if not word[0].isupper())
    return Reading(capitals, small, len(spoken))


def _capital(word: str, position: int, gap: str, before: str) -> _Capital:
    initial = gap != " " and _SAYS_NOTHING.search(gap) is not None and not (gap == ". " and _abbreviates(before))
    return _Capital(fold(word), position, initial, len(word) > 1 and word.isupper(), gap in _JOINTS)


def _names(body: Reading) -> Iterator[str]:
    shouting = body.shouting
    for capital in body.capitals:
        if (not shouting if capital.shouted else not capital.initial) and _may_name(capital.word):
            yield capital.word


def _first_names(body: Reading) -> Iterator[str]:
    for capital, following in pairwise(body.capitals):
        adjoining = following.follows and following.position == capital.position + 1
        if capital.initial and adjoining and _may_name(capital.word):
            yield capital.word


def _opening(text: Reading) -> Iterator[str]:
    if not text.shouting:
        yield from (capital.word for capital in text.capitals if capital.initial and _may_name(capital.word))


def _heading_names(heading: Reading, known: Counter[str]) -> Iterator[str]:
    """In a heading with capitals on most words only those in capitals, and those that the text knows, are names."""
    telling = [capital for capital in heading.capitals if not capital.initial and _may_name(capital.word)]
    plain_words = sum(map(_may_name, heading.small))
    for capital in telling:
        loud = capital.shouted and not heading.shouting
        if loud or len(telling) <= plain_words or capital.word in known:
            yield capital.word


def _may_name(word: str) -> bool:
    return len(word) > 1 and word not in _NO_NAMES and not word[0].isdigit()


def _abbreviates(word: str) -> bool:
    return (len(word) == 1 and word not in "AI") or word.lower() in _ABBREVIATIONS
