from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.guessing import Secret, fingerprint
from chains.guessing.likeness import MISSPELT, edits, same_word
from chains.guessing.reading import fresh_words, is_answer, readable

SECRET = Secret(
    answer="a lost toolbag",
    riddle="I slid from a glove and glitter round the world.",
    hints=("A spanner or two are in the bag I am.",),
)


@pytest.mark.parametrize("other", ["The Fire!", "  the\nfire ", "THE FIRE", "the fire…", "thé fire", "the\u200b fire"])
def test_guesses_that_readers_would_call_the_same_have_one_fingerprint(other: str) -> None:
    assert fingerprint(other) == fingerprint("the fire")


@pytest.mark.parametrize("other", ["the fires", "fire the", "", "the fire at sea"])
def test_other_guesses_have_another_fingerprint(other: str) -> None:
    assert fingerprint(other) != fingerprint("the fire")


@given(st.text())
def test_what_is_read_has_no_control_or_format_characters(text: str) -> None:
    assert all(char.isprintable() or char.isspace() for char in readable(text))


def test_words_of_the_riddle_are_not_the_readers_own() -> None:
    assert fresh_words("a glove that glitters, glitter", SECRET) == ("glitters",)


def test_words_of_the_answer_count_although_a_hint_has_them() -> None:
    assert fresh_words("tool bag", SECRET) == ("tool", "bag")
    assert fresh_words("a spanner", SECRET) == ("spanner",)


def test_passages_of_a_hint_do_not_count() -> None:
    assert fresh_words("a spanner or two are in the bag i am", SECRET) == ()


CUP = Secret(answer="the end of the world cup", hints=("Some call me the end of the world, so dear is it to them.",))


@pytest.mark.parametrize(
    "guess", ["it is the end of the world cup", "end of the world, the cup's", "the end of the world cups"]
)
def test_words_of_the_answer_count_in_a_passage_of_a_hint_beside_another_one_of_it(guess: str) -> None:
    assert fresh_words(guess, CUP)[:2] == ("end", "world")


@pytest.mark.parametrize("more", ["", "zebra", "so dear is it", "zebra so dear is it to them"])
def test_no_other_word_makes_a_passage_of_a_hint_count(more: str) -> None:
    assert {"end", "world"}.isdisjoint(fresh_words(f"the end of the world {more}", CUP))


def test_other_words_of_a_passage_do_not_count_beside_those_of_the_answer() -> None:
    assert fresh_words("some call me the end of the world: the cup", CUP) == ("end", "world", "cup")


@pytest.mark.parametrize(
    "guess", ["The END of the world-cup!", "end of the world cup", "an end of the\u200b world cup"]
)
def test_the_answer_is_known_without_case_marks_and_leading_article(guess: str) -> None:
    assert is_answer(guess, CUP.answer)


@pytest.mark.parametrize(
    "guess", ["", "the", "the end of the world", "it is the end of the world cup", "the world cup end"]
)
def test_what_has_other_words_than_the_answer_is_not_it(guess: str) -> None:
    assert not is_answer(guess, CUP.answer)


def test_an_answer_without_words_is_not_what_has_none_either() -> None:
    assert not is_answer("!!", "🔥")


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("", "", 0),
        ("fire", "", 4),
        ("fire", "fire", 0),
        ("fire", "fier", 1),
        ("onion", "onoin", 1),
        ("cat", "cart", 1),
        ("ab", "dc", 2),
    ],
)
def test_edits_are_counted(one: str, other: str, distance: int) -> None:
    assert edits(one, other) == edits(other, one) == distance


@given(st.text(max_size=8), st.text(max_size=8))
def test_edits_obey_their_laws(one: str, other: str) -> None:
    assert (edits(one, other) == 0) == (one == other)
    assert edits(one, other) == edits(other, one) <= max(len(one), len(other))


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [("fires", "fire", 1.0), ("onoin", "onion", MISSPELT), ("bat", "cat", 0.0), ("petrol", "pastel", 0.0)],
)
def test_forms_and_slips_of_a_word_are_alike(one: str, other: str, alike: float) -> None:
    assert same_word(one, other) == alike
