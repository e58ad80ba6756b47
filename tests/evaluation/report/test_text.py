"""What others wrote, safe to read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evaluation.report.text import clean, clean_line


def test_characters_that_turn_the_writing_round_are_shown() -> None:
    assert clean("a\u202eb\u2066c") == "a[U+202E]b[U+2066]c"
    assert clean("in\u200bvisible\ufeff") == "in[U+200B]visible[U+FEFF]"


def test_controls_go_and_lines_stay() -> None:
    assert clean("one\r\ntwo\rthree\tfour\x1b\x07\x9b") == "one\ntwo\nthree\tfour"


def test_languages_and_emoji_stay_as_they_are() -> None:
    kept = "déjà vu, 漢字, עברית, العربية, क्षत्रिय, 👩‍👩‍👧 ❤️"
    assert clean(kept) == kept


def test_marks_are_not_piled_upon_a_letter() -> None:
    assert clean("z" + "\u0301" * 50 + "a") == "z" + "\u0301" * 4 + "a"


def test_what_is_long_says_how_much_is_left_out() -> None:
    assert clean("x" * 4010) == "x" * 4000 + " … [10 characters more]"


def test_a_line_is_one_line() -> None:
    assert clean_line(" two\n\nlines\t") == "two lines"


@given(st.text())
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)
