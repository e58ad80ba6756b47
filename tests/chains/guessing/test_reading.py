from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.guessing import Secret, fingerprint
from chains.guessing.likeness import MISSPELT, edits, same_word
from chains.guessing.reading import fresh_words, readable

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
