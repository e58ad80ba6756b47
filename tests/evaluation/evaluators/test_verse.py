"""Rhyme and metre."""

from __future__ import annotations

import pytest

from evaluation.evaluators.verse import Metre, Rhyme
from tests.evaluation.evaluators.makers import FAILED, a_case, a_pool, saying

CASE, POOL = a_case(), a_pool()


def rhyme(text: str | None) -> float | None:
    return Rhyme()(saying(text), CASE, POOL)["rhyme"].value


def metre(text: str) -> float | None:
    return Metre()(saying(text), CASE, POOL)["metre"].value


@pytest.mark.parametrize(
    ("ends", "share"),
    [
        ("cat hat dog fog", 1.0),
        ("cat dog hat fog", 1.0),
        ("cat dog fog hat", 1.0),
        ("cat dog bird fog", 0.5),
        ("cat dog bird tree", 0.0),
        ("cat hat bird", 2 / 3),
        ("cat cat dog bird", 0.0),
        ("cat dog bird tree moon hat", 0.0),
        ("nation station", 1.0),
        ("enough stuff", 1.0),
        ("cough though", 0.0),
        ("dog's fogs", 1.0),
        ("Cat, HAT!", 1.0),
    ],
)
def test_shares_of_lines_that_rhyme(ends: str, share: float) -> None:
    assert rhyme("\n".join(f"this line has {end}" for end in ends.split(" "))) == pytest.approx(share)


def test_any_pronunciation_rhymes() -> None:
    assert rhyme("I read\nthe bed") == rhyme("I read\nthe seed") == 1.0


def test_a_word_nobody_can_say_leaves_the_riddle_unscored_and_is_named() -> None:
    score = Rhyme()(saying("a cat\nthe xyzzyq"), CASE, POOL)["rhyme"]
    assert score.value is None
    assert "xyzzyq" in score.reason


@pytest.mark.parametrize("text", ["one line only", "雾来了\n雾走了", "1 2 3\n4 5 6", None])
def test_what_has_no_two_lines_of_english_is_unscored(text: str | None) -> None:
    assert rhyme(text) is None
    assert Metre()(saying(text), CASE, POOL)["metre"].value is None


def test_even_lines_are_metre_1() -> None:
    assert metre("the children run away\na yellow bird at play") == 1.0


def test_uneven_lines_have_less_metre() -> None:
    # 2 and 6 syllables: mean 4, standard deviation 2
    assert metre("a cat\nthe children run away") == pytest.approx(0.5)


def test_lines_with_unknown_words_are_left_out_and_counted() -> None:
    score = Metre()(saying("a cat ran\nthe xyzzyq of it all and more\na dog sat"), CASE, POOL)["metre"]
    assert score.value == 1.0
    assert score.reason.startswith("1 of 3 lines")


def test_failed_runs_are_unscored() -> None:
    assert Rhyme()(FAILED, CASE, POOL)["rhyme"].value is None
    assert Metre()(FAILED, CASE, POOL)["metre"].value is None
