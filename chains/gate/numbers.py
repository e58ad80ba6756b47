"""Numbers in a text, in digits and in English words, in one spelling: `1,200` is `1200`, `twenty-five` is `25`.

Digits of every script count. Cannot see: words of other languages, Roman numerals, `half`, `dozen`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_ONE_DIGIT: Final = re.compile(r"\d")
_DIGITS: Final = re.compile(r"\d{1,40}(?:[.,]\d{1,40}){0,8}")
_THOUSANDS: Final = re.compile(r"[.,](?=\d{3}(?!\d))")
_ONES: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS: Final = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen")
_TENS: Final = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_UNITS: Final = {word: value for value, word in enumerate(("zero", *_ONES, *_TEENS, "nineteen"))}
_SPELLED: Final = re.compile(
    rf"(?<![^\W_])(?:(?P<tens>{'|'.join(_TENS)})(?:[- ](?P<one>{'|'.join(_ONES)}))?|"
    rf"(?P<unit>{'|'.join(sorted(_UNITS, key=len, reverse=True))}))"
    r"(?:[- ](?P<times>hundred|thousand))?(?![^\W_])",
    re.IGNORECASE,
)


def has_digit(text: str) -> bool:
    """Whether any character is a digit of any script, superscripts and circled digits included."""
    if text.isascii():
        return _ONE_DIGIT.search(text) is not None
    return any(char.isdigit() for char in text)


def written_in_digits(text: str) -> Iterator[str]:
    """Numbers in digits, thousands joined, in the order they stand."""
    for match in _DIGITS.finditer(text):
        number = match.group()
        yield _western(_THOUSANDS.sub("", number))


def spelled_out(text: str) -> Iterator[tuple[str, int]]:
    """Numbers in English words, tens and ones with a hundred or thousand: the digits, and where the words end."""
    for match in _SPELLED.finditer(text):
        if match["unit"]:
            value = _UNITS[match["unit"].lower()]
        else:
            value = _TENS[match["tens"].lower()] + (_UNITS[match["one"].lower()] if match["one"] else 0)
        times = {"hundred": 100, "thousand": 1000}.get((match["times"] or "").lower(), 1)
        yield str(value * times), match.end()


def digit_runs(text: str) -> Iterator[str]:
    """Numbers in digits, and every run of digits in them, so that `3.9` also gives `3` and `9`."""
    for match in _DIGITS.finditer(text):
        number = match.group()
        yield _western(_THOUSANDS.sub("", number))
        if not number.isdecimal():
            yield from map(_western, _SEPARATORS.split(number))


def _western(number: str) -> str:
    if number.isascii():
        return number
    return "".join(char if char in ".," else str(unicodedata.digit(char)) for char in number)


_SEPARATORS: Final = re.compile(r"[.,]")
