"""Whether a phrase breaks off: a model that reached its limit, or lost its thread, stops where English goes on."""

from __future__ import annotations

import re
from typing import Final

from chains.words import plain, word_set


def breaks_off(phrase: str, *, article: str = "") -> bool:
    """Whether a phrase ends where English goes on.

    It does after a small word that leads on (`killed by`), after a possessive (`in a city's`), and after a mark that
    something follows (`a record,`). Not every possessive leads on: one may stand for a place (`at the dentist's`), for
    a letter or figure (`straight A's`, `the 1980's`), or be a name (`at McDonald's`), which it is taken for unless the
    article has the name without its ending, too.

    Cannot see: adjectives that miss their noun (`the world's longest`), and other languages.

    Args:
        phrase: Such as an answer; an empty one does not break off.
        article: What it is about, as `flat` gives it.
    """
    text = plain(phrase).strip()
    if _OPEN_END.search(text):
        return True
    words = text.strip(_MARKS).split()
    if not words:
        return False
    last = words[-1].strip(_MARKS)
    if last.endswith("'") and _OPENING_QUOTE.search(text):  # it closes a quotation
        return False
    return last.lower() in _LEADS_ON or _is_open_possessive(last, article)


def _is_open_possessive(word: str, article: str) -> bool:
    found = _POSSESSIVE.fullmatch(word)
    if found is None:
        return False
    owner = found["owner"]
    if len(owner) == 1 or owner[-1].isdigit() or owner.lower() in _KEEPERS:
        return False
    return owner.islower() or re.search(rf" {re.escape(owner.lower())} (?!s )", article) is not None


_LEADS_ON: Final = word_set(
    "a an the of to by for with from at and or but that which who whose is are was were as than versus vs "
    "amid amongst during despite because whereas although unless my your its our their every "
    "it's that's there's who's what's he's she's let's"
)
"""Words after which an English phrase goes on, without those that may end one (`her`, `into`, `without`, `has`)."""

_KEEPERS: Final = word_set(
    "baker barber butcher chemist dentist doctor fishmonger florist goldsmith greengrocer grocer hairdresser jeweller "
    "mechanic newsagent optician pharmacist stationer tailor tobacconist vet "
    "friend neighbour neighbor grandmother grandfather grandma grandpa mother father aunt uncle"
)
"""Whose possessive stands for their shop or home."""

_MARKS: Final = ' .!?"\u201c\u201d)]}'
_OPEN_END: Final = re.compile(r"(?:[,;:&+/(\[{\u2013\u2014\u2026-]|\.\.\.)$")
_POSSESSIVE: Final = re.compile(r"(?P<owner>\S*\w)(?:'s|(?<=s)')")
_OPENING_QUOTE: Final = re.compile(r"(?:^|\s)'\w")
