"""What the checks look at: the draft, and all it is compared with."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final

from chains.gate.names import names_of, reading_of
from chains.gate.numbers import digit_runs, spelled_out

if TYPE_CHECKING:
    from chains.gate.names import Names, Reading
    from domain import Article, Draft, Example

LONGEST_READ: Final = 200_000
"""Characters of an article that are read closely, some 35,000 words: what bounds the time a huge one takes."""

LONGEST_TITLE: Final = 1_000
"""Characters of a title that are read."""


class ArticleFacts:
    """What the checks need of an article, worked out once and only when asked for.

    Of an article longer than `LONGEST_READ` the rest is not read for names that a riddle must not speak and for
    passages that it must not repeat; whether the article mentions a word or number is looked up in all of it.
    """

    def __init__(self, article: Article) -> None:
        self.title = (article.title or "")[:LONGEST_TITLE]
        self._language = article.language or ""
        self._whole = article.text
        self._read = article.text[:LONGEST_READ]

    @cached_property
    def names(self) -> Names:
        """The names of text and title."""
        return names_of(self._body, self._heading, language=self._language)

    @cached_property
    def flat(self) -> str:
        """The text as words with single spaces."""
        return flat(self._read)

    def mentions(self, word: str) -> bool:
        """Whether a folded word stands in title or text."""
        return word in self._words or (self._is_long and word in self._folded_whole)

    def mentions_root(self, root: str) -> bool:
        """Whether some word of title or text begins like that; four letters at least."""
        return len(root) >= _SHORTEST_ROOT and any(word.startswith(root) for word in self._words)

    def counts(self, number: str) -> bool:
        """Whether a number stands in title or text, in digits or words."""
        return number in self._digits or number in self._spelled_numbers or (self._is_long and number in self._whole)

    @cached_property
    def _words(self) -> frozenset[str]:
        return self._body.words | self._heading.words

    @cached_property
    def _body(self) -> Reading:
        return reading_of(self._read)

    @cached_property
    def _heading(self) -> Reading:
        return reading_of(self.title)

    @cached_property
    def _digits(self) -> frozenset[str]:
        return frozenset(digit_runs(f"{self.title}\n{self._read}"))

    @cached_property
    def _spelled_numbers(self) -> frozenset[str]:
        return frozenset(value for value, _ in spelled_out(f"{self.title}\n{self._read}"))

    @property
    def _is_long(self) -> bool:
        return len(self._whole) > LONGEST_READ

    @cached_property
    def _folded_whole(self) -> str:
        return self._whole.casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A draft and its surroundings.

    Args:
        draft: The candidate; overlong fields are cut beforehand, long after the form check would refuse them.
        facts: Of the article.
        summary: What the riddle was made from; may be empty.
        examples: Those the model was shown.
        prompt_texts: The messages the model was sent.
        guess_rank: Where the article comes among similar stories by likeness to the riddle, 1 is first; None when
            nobody looked.
    """

    draft: Draft
    facts: ArticleFacts
    summary: str = ""
    examples: tuple[Example, ...] = ()
    prompt_texts: tuple[str, ...] = ()
    guess_rank: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says.

    Args:
        score: 1.0 is faultless; with reasons it is below 0.5, without any 0.5 or more.
        reasons: Sentences fit to be shown to the model; empty when the draft passes.
    """

    score: float = 1.0
    reasons: tuple[str, ...] = field(default=())


def finding(reasons: list[str], *, score: float = 1.0) -> Finding:
    """A finding whose score falls with every reason; `score`, 0 to 1, ranks drafts that pass."""
    if not reasons:
        return Finding(0.5 + score / 2)
    return Finding(0.5 / (1 + len(reasons)), tuple(reasons[:_MOST_REASONS]))


@lru_cache(maxsize=4096)
def flat_short(text: str) -> str:
    """The same as `flat`, remembered, for texts that come again: examples, prompts, summaries."""
    return flat(text)


def flat(text: str) -> str:
    """A text as its words in lower case, a single space before and after each."""
    return f" {' '.join(_WORDISH.findall(text.lower()))} "


class Passages:
    """The runs of consecutive words of one text, to be looked for in others.

    Every run of 2n-1 words holds a run of n words that begins at a multiple of n, so those few are looked for first.
    """

    def __init__(self, text: str, length: int) -> None:
        self._words = flat_short(text).split()
        self._length = length
        self._block = (length + 1) // 2

    def stand_in(self, flat_text: str) -> bool:
        """Whether a run of `length` words stands in a `flat` text."""
        if not any(block in flat_text for block in self._blocks):
            return False
        return any(run in flat_text for run in self._runs(self._length, 1))

    @cached_property
    def _blocks(self) -> list[str]:
        return self._runs(self._block, self._block)

    def _runs(self, length: int, step: int) -> list[str]:
        words = self._words
        return [f" {' '.join(words[at : at + length])} " for at in range(0, len(words) - length + 1, step)]


def share(part: tuple[str, ...], whole: tuple[str, ...]) -> float:
    """How much of `part` also stands in `whole`, 0 to 1."""
    return len(frozenset(part).intersection(whole)) / len(part) if part else 0.0


_WORDISH: Final = re.compile(r"\w+")
_MOST_REASONS: Final = 3
_SHORTEST_ROOT: Final = 4
