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
from typing import Final

import snowballstemmer

WORD: Final = re.compile(r"[^\W_]+(?:'[^\W\d_]+)*")
"""Letters and digits, with apostrophes inside; hyphens divide."""

BEGINNING: Final = 5
"""Two words of at least so many letters that begin with the same ones count as one word: the rule of the shipped data."""

STOP_WORDS: Final = frozenset(
    """
    a about above after again against all am an and any are aren't as at be because been before being below between both
    but by can can't cannot come could couldn't did didn't do does doesn't doing don't done down during each else ever
    every few for from further get gets go goes got had hadn't has hasn't have haven't having he her here hers herself
    him himself his how i i'd i'll i'm i've if in into is isn't it it's its itself just let me mine more most much must
    my myself nearly never no nor not now of off on once one only onto or other our ours ourselves out over own per
    please put said same say says shall she should since so some such than that the their theirs them themselves then there
    these they this those though through to too two under until up upon us very was wasn't we well were weren't what
    when where which while who whom whose why will with within without won't would wouldn't yes yet you your yours
    yourself yourselves
    """.split()
)
"""English words that give nothing away."""

_APOSTROPHES: Final = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'"})
_stemmer: Final = snowballstemmer.stemmer("english")
_stemming: Final = threading.Lock()  # the stemmer keeps the word it works on


def plain(text: str) -> str:
    """The text without accents and in compatibility forms, case kept: `Río` is `Rio`, full-width `ｆｏｇ` is `fog`."""  # noqa: RUF002
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def fold(word: str) -> str:
    """A word of `plain` text in lower case, without possessive `'s`."""
    return word.casefold().removesuffix("'s")


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
    """Whether two folded words would give each other away: equal, same beginning, same stem, or one within the other."""
    if one == other:
        return True
    if one[0] == other[0] and (_same_beginning(one, other) or stem(one) == stem(other)):
        return True
    short, long = (one, other) if len(one) < len(other) else (other, one)
    return _is_suffixed(short, long) or (len(short) >= BEGINNING and short in long)


def quoted(word: str) -> str:
    """A word that came from untrusted text, safe to show to a model: letters, digits and inner marks, 24 at most."""
    return f'"{"".join(char for char in word if char.isalnum() or char in _INNER)[:_LONGEST_QUOTED]}"'


def _same_beginning(one: str, other: str) -> bool:
    return min(len(one), len(other)) >= BEGINNING and one[:BEGINNING] == other[:BEGINNING]


def _is_suffixed(short: str, long: str) -> bool:
    """Whether a short word became a longer one in a way that the stemmer misses: `fog` and `foggy`, `fogs`, `fogged`."""
    if len(short) < _SHORTEST_SUFFIXED or not long.startswith(short):
        return False
    suffix = long[len(short) :]
    return suffix in _SUFFIXES or (suffix[0] == short[-1] and suffix[1:] in _SUFFIXES)


_SUFFIXES: Final = frozenset({"s", "es", "y", "ed", "er", "ers", "ing", "ings", "ier", "iest", "ily", "less", "like"})
_SHORTEST_SUFFIXED: Final = 3
_LONGEST_WORD: Final = 64
_LONGEST_QUOTED: Final = 24
_INNER: Final = frozenset("'-.,%")
