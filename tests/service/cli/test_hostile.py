from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cli.hostile import clean, clean_line, escape_json

_DANGEROUS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def _obeyed_by_terminals(text: str) -> list[str]:
    return [char for char in text if unicodedata.category(char) == "Cc" or char in _DANGEROUS]


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;owned\x07title", "title"),
        ("\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jcleared", "cleared"),
        ("\x1bPq#0\x1b\\sixel", "sixel"),
        ("\x1b[2K\x1b[1A\x1b[1Gover", "over"),
        ("back\x08\x08space", "backspace"),
        ("pay \u202etxt.exe", "pay txt.exe"),
        ("bell\x07, null\x00, delete\x7f", "bell, null, delete"),
        ("first\r\nsecond\rthird", "first\nsecond\nthird"),
    ],
)
def test_what_a_terminal_would_obey_is_taken_out(hostile: str, shown: str) -> None:
    assert clean(hostile) == shown


def test_what_a_person_reads_stays() -> None:
    text = "Überraschung: 東京 👩\u200d🚀 — naïve café\n\tعربى"
    assert clean(text) == text


@given(st.text())
def test_nothing_that_a_terminal_obeys_survives(text: str) -> None:
    assert _obeyed_by_terminals(clean(text).replace("\n", "").replace("\t", "")) == []
    assert _obeyed_by_terminals(clean_line(text)) == []


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_escaped_json_is_the_same_document(text: str) -> None:
    document = escape_json(json.dumps([text], ensure_ascii=False))
    assert json.loads(document) == [text]
    assert _obeyed_by_terminals(document) == []


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)
