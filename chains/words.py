"""Words as the checks compare them: folded, without possessives, by stem and by beginning.

English is what stems and stop words know. Words of other languages are compared as they are and by their first five
letters; scripts without spaces between words (Chinese, Japanese, Thai) by whole runs of letters; scripts that write
vowels as marks (Hindi, Tamil) in pieces between the marks.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import snowballstemmer

if TYPE_CHECKING:
    from collections.abc import Iterable

WORD: Final = re.compile(r"[^\W_]+(?:'[^\W\d_]+)*")
"""Letters and digits, with apostrophes inside; hyphens divide."""

BEGINNING: Final = 5
"""Words of so many letters or more that begin with the same ones count as one: the rule of the shipped data."""


def word_set(text: str) -> frozenset[str]:
    """The words of a list that is written as text."""
    return frozenset(text.split())


STOP_WORDS: Final = word_set(
    """
    a about above after again against all am an and any are aren't as at be because been before being below between both
    but by can can't cannot come could couldn't did didn't do does doesn't doing don't done down during each else ever
    every few for from further get gets go goes got had hadn't has hasn't have haven't having he her here hers herself
    him himself his how i i'd i'll i'm i've if in into is isn't it it's its itself just let me mine more most much must
    my myself nearly never no nor not now of off on once one only onto or other our ours ourselves out over own per
    please put said same say says shall she should since so some such than that the their theirs them themselves then
    there these they this those though through to too two under until up upon us very was wasn't we well were weren't
    what when where which while who whom whose why will with within without won't would wouldn't yes yet you your
    yours yourself yourselves
    """
)
"""English words that give nothing away."""

_POSSESSIVE: Final = re.compile(r"'s(?= |$)")
_APOSTROPHES: Final = "\u2019\u2018\u02bc"
_MARKS: Final = re.compile(r"[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u20d0-\u20ff]+")
"""Accents, and the vowel points of Hebrew and Arabic."""
_stemmer: Final = snowballstemmer.stemmer("english")
_stemming: Final = threading.Lock()  # the stemmer keeps the word it works on


def plain(text: str) -> str:
    """The text without accents and in compatibility forms, case kept: `Río` is `Rio`, full-width letters are plain."""
    if text.isascii():
        return text
    for apostrophe in _APOSTROPHES:
        text = text.replace(apostrophe, "'")
    return _MARKS.sub("", unicodedata.normalize("NFKD", text))


def fold(word: str) -> str:
    """A word of `plain` text in lower case, without possessive `'s`."""
    return word.casefold().removesuffix("'s")


def fold_all(some: Iterable[str]) -> frozenset[str]:
    """Many words, each folded, all at once."""
    return frozenset(_POSSESSIVE.sub("", " ".join(some).casefold()).split())


@lru_cache(maxsize=2048)
def words(text: str) -> tuple[str, ...]:
    """All words of a short text, folded, in order."""
    return tuple(fold(word) for word in WORD.findall(plain(text)))


@lru_cache(maxsize=2048)
def content_words(text: str) -> tuple[str, ...]:
    """The words of a short text that tell something: no stop words, no single letters; each once, in order."""
    return tuple(dict.fromkeys(word for word in words(text) if len(word) > 1 and word not in STOP_WORDS))


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """The stem of a folded word by Snowball's English stemmer (Porter 2)."""
    with _stemming:
        stemmed: str = _stemmer.stemWord(word[:_LONGEST_WORD])
    return stemmed


def related(one: str, other: str) -> bool:
    """Whether two folded words would give each other away: same beginning, same stem, or one in the other."""
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    if len(short) >= BEGINNING and (short in long or short[:BEGINNING] == long[:BEGINNING]):
        return True
    return _may_be_kin(one, other) and (one == other or stem(one) == stem(other) or _is_suffixed(short, long))


def quoted(word: str) -> str:
    """A word that came from untrusted text, safe to show to a model: letters, digits and inner marks, 24 at most."""
    return f'"{"".join(char for char in word if char.isalnum() or char in _INNER)[:_LONGEST_QUOTED]}"'


def _may_be_kin(one: str, other: str) -> bool:
    """Whether two words begin so that their stems can be the same: with two letters, or like `lie` and `lying`."""
    return one[0] == other[0] and (one[1:2] == other[1:2] or one[1:2] + other[1:2] in _LIE_LYING)


def _is_suffixed(short: str, long: str) -> bool:
    """Whether a short word became a longer one in a way that the stemmer misses: `fog` and `foggy`."""
    if len(short) < _SHORTEST_SUFFIXED or not long.startswith(short):
        return False
    suffix = long[len(short) :]
    return suffix in _SUFFIXES or (suffix[0] == short[-1] and suffix[1:] in _SUFFIXES)


_SUFFIXES: Final = frozenset({"s", "es", "y", "ed", "er", "ers", "ing", "ings", "ier", "iest", "ily", "less", "like"})
_LIE_LYING: Final = ("iy", "yi")
_SHORTEST_SUFFIXED: Final = 3
_LONGEST_WORD: Final = 64
_LONGEST_QUOTED: Final = 24
_INNER: Final = frozenset("'-.,%")
