"""Grounding: the summary says what the article does not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Final

from chains.gate.material import ArticleFacts, Finding, Material, finding
from chains.gate.names import find_names
from chains.gate.numbers import spelled_out, written_in_digits
from chains.gate.places import COUNTRIES, NATIONALITIES, PARTS_OF_NAMES
from chains.words import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Grounding:
    """Catches a summary that invents people, places or figures, which a publisher would have to correct.

    Every name and every number of the summary must stand in the article or its title, a name perhaps in another form
    (`Saharan` for `Sahara`). Numbers in words and in digits are the same; spelled-out ones count from `spelled_from`,
    because `one` and `two` are mostly no figures, and not before `decades` or `centuries`, which are rounded.
    Countries, nationalities and continents may be added: one in fourteen summaries that people wrote says `Italy`
    where the article only says `Bologna`.

    Cannot see: a wrong country, a true name in a false role, wrong verbs. It refuses sums and rounding. Besides, what
    `chains.gate.names` and `chains.gate.numbers` say of themselves.

    Args:
        spelled_from: Smallest spelled-out number that is checked.
    """

    name: ClassVar[str] = "grounding"

    spelled_from: int = 3

    def __call__(self, material: Material) -> Finding:
        """Judge the summary."""
        return finding(list(self.reasons(material.summary, material.facts)))

    def reasons(self, summary: str, facts: ArticleFacts) -> Iterator[str]:
        """What the summary makes up."""
        names, numbers = _claims(summary, self.spelled_from)
        for word in names:
            if not facts.mentions(word) and not facts.mentions_root(_root(word)):
                yield f"The summary names {quoted(word)}, which the article does not."
        for number in numbers:
            if not facts.counts(number):
                yield f"The summary has the number {quoted(number)}, which the article has not."


@lru_cache(maxsize=256)  # a summary is judged when it is made and with every riddle made from it
def _claims(summary: str, spelled_from: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names and numbers of a summary that need the article's support."""
    names = tuple(word for word in find_names(summary).known if word not in _ADDED)
    spelled = (
        value for value, end in spelled_out(summary) if int(value) >= spelled_from and not _ROUNDED.match(summary, end)
    )
    return names, tuple(dict.fromkeys([*written_in_digits(summary), *spelled]))


def _root(name: str) -> str:
    """A name without the ending that makes it an adjective or plural."""
    return _ENDING.sub("", name) if len(name) > _SHORTEST_ROOT + 1 else name


_ADDED: Final = COUNTRIES | NATIONALITIES | PARTS_OF_NAMES
_ROUNDED: Final = re.compile(r"[ -](?:decade|centur)", re.IGNORECASE)
_ENDING: Final = re.compile(r"(?<=\w{4})(?:i?ans?|eans?|ese|n|s|i)$")
_SHORTEST_ROOT: Final = 4
