"""Leakage: the riddle gives its answer away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from chains.gate.material import Finding, Material, Passages, finding, flat_short, share
from chains.gate.numbers import has_digit
from chains.words import content_words, plain, quoted, related, words

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Leakage:
    """Catches a riddle that says what is to be guessed, so that there is nothing left to guess.

    No content word of the answer, by stem, by the first five letters, or as part of a longer word; no name that the
    article names; no digit at all; not the title told again; and no hint with the whole answer in it.
    Single words of the title are allowed unless they are names: three of five riddles that people wrote use one.
    They lower the score instead.

    Cannot see: synonyms, translations, rhymes that only leave the answer, look-alike letters of another script,
    numbers in words (people use them freely in riddles), and what `chains.gate.names` and `chains.words` say of
    themselves.

    Args:
        max_title_run: Longest run of consecutive words of the title, in words.
    """

    name: ClassVar[str] = "leakage"

    max_title_run: int = 4

    def __call__(self, material: Material) -> Finding:
        """Judge riddle and hints."""
        draft, facts = material.draft, material.facts
        reasons = [
            *(
                f"The riddle uses the word {quoted(word)} from the answer."
                for word in _leaked(draft.answer, draft.riddle)
            ),
            *(f"The riddle names {quoted(word)} from the article." for word in facts.names.spoken_by(draft.riddle)),
        ]
        if has_digit(draft.riddle):
            reasons.append("The riddle has a number in digits.")
        if self._tells_title(facts.title, draft.riddle):
            reasons.append("The riddle repeats the article's title.")
        if _hinted(draft.answer, draft.hints):
            reasons.append("A hint has the whole answer in it.")
        return finding(reasons, score=1 - share(content_words(facts.title), words(draft.riddle)))

    def _tells_title(self, title: str, riddle: str) -> bool:
        if Passages(title, self.max_title_run + 1).stand_in(flat_short(riddle)):
            return True
        telling = content_words(title)
        return len(telling) >= _TELLING_TITLE and share(telling, words(riddle)) > _MOST_OF_TITLE


def _leaked(answer: str, riddle: str) -> Iterator[str]:
    secret = content_words(answer) or words(answer)
    spoken = frozenset(words(riddle))
    for word in secret:
        in_words = word in spoken or any(related(word, other) for other in spoken)
        if in_words or (not word.isascii() and word in plain(riddle).casefold()):
            yield word


def _hinted(answer: str, hints: tuple[str, ...]) -> bool:
    return any(gives_away(answer, hint) for hint in hints)


def gives_away(answer: str, text: str) -> bool:
    """Whether a text has the whole answer in it, but for a leading article."""
    core = list(words(answer))
    while len(core) > 1 and core[0] in _DETERMINERS:
        del core[0]
    return bool(core) and f" {' '.join(core)} " in f" {' '.join(words(text))} "


_DETERMINERS: Final = frozenset({"a", "an", "the"})
_TELLING_TITLE: Final = 3
_MOST_OF_TITLE: Final = 0.85
