"""Names in a text, told by their capitals.

Sees capitalised words inside a sentence, capitalised words that begin a sentence when another one follows (`Owen
Strand said`), words in capitals (`NATO`), with accents, possessives and hyphens. In a headline with capitals on every
word it sees only words in capitals.
Cannot see: names in scripts without capitals (Chinese, Arabic, Hindi), single names that only ever begin a sentence,
single letters; and in German it does not look, because there every noun is capitalised. Days, months, and words for
nationalities and languages are no names here: they tell where or when, not who.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from chains.gate.places import CALENDAR, NATIONALITIES
from chains.words import STOP_WORDS, WORD, fold, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDS: Final = re.compile(r"[.!?:;…。\n\"“”„«»(\[—–•]|^$|(?:^|\s)'")  # noqa: RUF001 -- marks after which a capital says nothing
_ABBREVIATIONS: Final = frozenset("dr mr mrs ms st prof gen col sgt lt capt sen rep gov rev hon jr sr mt ft vs".split())


@dataclass(frozen=True, slots=True)
class Token:
    """A word with what its place says about its capital.

    Args:
        word: Folded.
        capital: Whether it begins with a capital letter.
        initial: Whether it begins a sentence, line or quotation, where a capital says nothing.
        shouted: Whether it has at least two letters and all are capitals.
        follows: Whether only a space or hyphen stands between the word before and this one.
    """

    word: str
    capital: bool
    initial: bool
    shouted: bool
    follows: bool


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a text, folded.

    Args:
        known: Words that are capitalised where only names are, with how often.
        likely: Words that begin a sentence with another capitalised one after them.
        certain: Those of `known` that are never written small.
    """

    known: Counter[str]
    likely: frozenset[str]
    certain: frozenset[str]

    def spoken_by(self, text: str) -> list[str]:
        """The words of a riddle that are names: capitalised ones, and small ones that are names twice or more.

        At the start of a line or sentence only certain names count.
        """
        return [token.word for token in tokens(text) if self._is_spoken(token)]

    def _is_spoken(self, token: Token) -> bool:
        if token.capital and not token.initial:
            return token.word in self.known or token.word in self.likely
        return token.word in self.certain and (token.capital or self.known[token.word] > 1)


def tokens(text: str) -> Iterator[Token]:
    """The words of a text in order."""
    text = plain(text)
    before, end = "", 0
    for match in WORD.finditer(text):
        surface, gap = match.group(), text[end : match.start()]
        end = match.end()
        capital = surface[0].isupper()
        initial = capital and _ENDS.search(gap) is not None and not (gap == ". " and _abbreviates(before))
        shouted = capital and len(surface) > 1 and surface.isupper()
        yield Token(fold(surface), capital, initial, shouted, gap in _JOINTS)
        before = surface


def find_names(text: str, *, title: str = "", language: str = "") -> Names:
    """The names of an article's text and title."""
    if language.lower().startswith(("de", "lb")):
        return Names(Counter(), frozenset(), frozenset())
    body = list(tokens(text))
    heading = list(tokens(title))
    known = Counter(_names(body))
    known.update(_heading_names(heading, known))
    small = {token.word for token in (*body, *heading) if not token.capital}
    return Names(known, frozenset(_first_names(body)), frozenset(known.keys() - small))


def _names(body: list[Token]) -> Iterator[str]:
    shouting = _is_shouting(body)
    for token in body:
        if token.capital and _may_name(token.word) and (not shouting if token.shouted else not token.initial):
            yield token.word


def _first_names(body: list[Token]) -> Iterator[str]:
    for token, following in pairwise(body):
        if token.initial and following.capital and following.follows and _may_name(token.word):
            yield token.word


def _heading_names(heading: list[Token], known: Counter[str]) -> Iterator[str]:
    telling = [token for token in heading if not token.initial and _may_name(token.word)]
    in_title_case = sum(token.capital for token in telling) * 2 > len(telling)
    shouting = _is_shouting(heading)
    for token in telling:
        if token.capital and ((token.shouted and not shouting) or not in_title_case or token.word in known):
            yield token.word


def _is_shouting(text: list[Token]) -> bool:
    return sum(token.shouted for token in text) * 2 > len(text)


def _may_name(word: str) -> bool:
    return len(word) > 1 and word not in STOP_WORDS and word not in _NO_NAMES and not word[0].isdigit()


def _abbreviates(word: str) -> bool:
    return (len(word) == 1 and word not in "AI") or word.lower() in _ABBREVIATIONS


_JOINTS: Final = frozenset((" ", "-"))
_NO_NAMES: Final = CALENDAR | NATIONALITIES | {"mr", "mrs", "ms", "dr"}
