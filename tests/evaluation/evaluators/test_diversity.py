"""Riddles of a pipeline beside each other."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from evaluation.evaluators.diversity import Distinct, SelfBleu, self_bleu
from tests.evaluation.evaluators.makers import FAILED, saying

if TYPE_CHECKING:
    from evaluation.outcome import Outcome


def outcomes(*texts: str | None) -> list[Outcome]:
    return [replace(saying(text), case_id=f"case {place}") for place, text in enumerate(texts)]


def distinct(*texts: str | None) -> tuple[float | None, float | None]:
    scores = Distinct()(outcomes(*texts), {})
    return scores["distinct1"].value, scores["distinct2"].value


def test_riddles_that_share_nothing_are_wholly_distinct() -> None:
    assert distinct("red cat", "blue dog") == (1.0, 1.0)


def test_the_same_riddle_twice_is_half_distinct() -> None:
    assert distinct("red cat", "red cat") == (0.5, 0.5)


def test_pairs_do_not_go_from_one_riddle_into_the_next() -> None:
    assert distinct("a b", "b a", "a b") == (2 / 6, 2 / 3)


def test_only_the_first_riddle_of_a_case_counts() -> None:
    one = saying("red cat")
    scores = Distinct()([replace(one, repeat=1), one, replace(FAILED, case_id="other")], {})
    assert scores["distinct1"].value == 1.0


def test_nothing_to_compare_is_unscored() -> None:
    assert distinct(None) == (None, None)
    assert SelfBleu()(outcomes("alone in here", None), {})["self_bleu"].value is None


def test_self_bleu_of_copies_is_1_and_of_strangers_0() -> None:
    assert SelfBleu()(outcomes("a cat sat on it", "a cat sat on it"), {})["self_bleu"].value == pytest.approx(1)
    assert SelfBleu()(outcomes("a cat sat on it", "we run for no reason"), {})["self_bleu"].value == 0


texts = st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=9).map(tuple), min_size=2, max_size=6)


@given(texts)
@settings(deadline=None)
def test_self_bleu_is_what_nltk_gives(riddles: list[tuple[str, ...]]) -> None:
    smooth = SmoothingFunction().method1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = [
            sentence_bleu([*riddles[:at], *riddles[at + 1 :]], text, smoothing_function=smooth)
            for at, text in enumerate(riddles)
        ]
    assert self_bleu(riddles) == pytest.approx(theirs)
