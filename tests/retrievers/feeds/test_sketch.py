"""Measured on the 300 ABC articles that gensim carries, with what newspapers do to wire copy; docs/feeds.md tells."""

from __future__ import annotations

import random
import re
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrievers.feeds.sketch import Sketch, alike, shares, sketch
from tests.support.articles import real_articles

if TYPE_CHECKING:
    from collections.abc import Callable

TWINS_IN_THE_CORPUS = {
    (59, 72), (98, 107), (104, 112), (115, 119), (117, 120), (150, 156), (182, 191), (230, 236), (232, 241), (263, 271),
    (281, 288),
}  # fmt: skip
"""Read and found to be the same story, word for word or nearly so: the corpus has two versions of each."""


@cache
def texts() -> tuple[str, ...]:
    return tuple(article.text for article in real_articles())


@cache
def sketches() -> tuple[Sketch, ...]:
    return tuple(map(sketch, texts()))


def same(one: Sketch, other: Sketch) -> bool:
    return shares(len(one & other), len(one), len(other))


def sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?]) +", text)


def other_head(text: str, number: int) -> str:
    return f"Breaking: what we know so far\n\nBy our own reporter, with agencies, in Sydney\n\n{text}"


def cut(text: str, number: int, keep: float = 0.7) -> str:
    parts = sentences(text)
    return " ".join(parts[: max(2, round(len(parts) * keep))])


def cut_in_half(text: str, number: int) -> str:
    return cut(text, number, 0.5)


def a_fifth_rewritten(text: str, number: int) -> str:
    parts, others = sentences(text), sentences(texts()[(number + 37) % 300])
    length = max(1, len(parts) // 5)
    start = random.Random(number).randrange(max(1, len(parts) - length + 1))
    return " ".join([*parts[:start], *others[:length], *parts[start + length :]])


def paragraphs_added(text: str, number: int) -> str:
    return f"{text} {cut(texts()[(number + 91) % 300], number, 0.5)}"


def every_twentieth_word_changed(text: str, number: int) -> str:
    pick = random.Random(number)
    words = text.split()
    return " ".join(pick.choice(words) if pick.random() < 0.05 else word for word in words)


def all_of_it(text: str, number: int) -> str:
    return other_head(a_fifth_rewritten(cut(text, number, 0.8), number), number)


EDITS: dict[Callable[[str, int], str], float] = {
    other_head: 1.0,
    cut: 1.0,
    cut_in_half: 0.99,
    paragraphs_added: 1.0,
    a_fifth_rewritten: 0.99,
    every_twentieth_word_changed: 1.0,
    all_of_it: 0.95,
}
"""What newspapers do to wire copy, and the share of 300 articles that is still found."""


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_edited_wire_copy_is_found(edit: Callable[[str, int], str]) -> None:
    edited = [sketch(edit(text, number)) for number, text in enumerate(texts())]
    found = [same(one, other) for one, other in zip(sketches(), edited, strict=True)]
    assert sum(found) / len(found) >= EDITS[edit]


def test_different_stories_are_not_taken_for_one_and_the_corpus_own_twins_are_found() -> None:
    """44,850 pairs, many of one topic: fires, cricket, the same war day after day."""
    taken = {pair for pair in combinations(range(300), 2) if same(sketches()[pair[0]], sketches()[pair[1]])}
    assert taken == TWINS_IN_THE_CORPUS


def half_rewritten(text: str, number: int) -> str:
    pick, others = random.Random(number), sentences(texts()[(number + 37) % 300])
    return " ".join(pick.choice(others) if pick.random() < 0.5 else part for part in sentences(text))


def test_beside_an_address_less_is_enough_and_different_stories_are_still_told_apart() -> None:
    def may_be_same(one: Sketch, other: Sketch) -> bool:
        return alike(len(one & other), len(one), len(other))

    taken = {pair for pair in combinations(range(300), 2) if may_be_same(sketches()[pair[0]], sketches()[pair[1]])}
    assert taken == TWINS_IN_THE_CORPUS
    edited = [sketch(half_rewritten(text, number)) for number, text in enumerate(texts())]
    pairs = list(zip(sketches(), edited, strict=True))
    assert sum(may_be_same(*pair) for pair in pairs) / len(pairs) >= 0.9
    assert sum(same(*pair) for pair in pairs) / len(pairs) < 0.6


def test_a_story_told_in_other_words_is_not_found() -> None:
    """What it cannot see: the same event, written anew."""
    one = "Fog hid the runway at Lahore overnight, and a hundred flights waited until noon for it to lift again."
    other = "No aircraft left Lahore before midday because visibility had fallen to a few metres during the night."
    assert not same(sketch(one * 3), sketch(other * 3))


@given(st.text(max_size=2_000))
def test_a_sketch_is_stable_and_fits_a_database(text: str) -> None:
    found = sketch(text)
    assert found == sketch(text)
    assert all(0 <= value < 2**63 for value in found)


def test_scripts_without_spaces_are_compared_too() -> None:
    text = "昨夜の濃い霧のため、ラホール空港では百便以上が正午まで欠航となり、数千人の乗客が空港で夜を明かした。" * 2
    assert same(sketch(text), sketch(f"速報。{text}"))
    assert sketch(text)


def test_short_texts_are_never_twins() -> None:
    assert not same(sketch("one two three"), sketch("one two three"))


def test_an_endless_text_has_a_sketch_of_bounded_size() -> None:
    assert len(sketch(" ".join(map(str, range(200_000))))) < 6_000
