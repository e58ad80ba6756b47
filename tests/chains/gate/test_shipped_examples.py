"""The riddles that people wrote pass the gate; the same riddles, spoilt, do not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.gate.names import find_names
from chains.words import content_words
from tests.chains.drafts import shipped
from tests.chains.gate.cases import as_draft, failing, judge_example, others

if TYPE_CHECKING:
    from domain import Draft, Example

COMPUTED = ("18", "83", "60")
"""Figures that the writers of three summaries worked out (`17 of 18 shots`): the gate refuses what it cannot find."""

NATIONALITY = 'The riddle names "french" from the article.'
"""One riddle in 480 says a nationality, as its article does."""

examples = st.sampled_from(shipped())
places = st.integers(0, 100)


def inserted(draft: Draft, text: str, place: int) -> Draft:
    """The draft with something put between two words of its riddle."""
    words = draft.riddle.split(" ")
    at = place % (len(words) + 1)
    return replace(draft, riddle=" ".join([*words[:at], text, *words[at:]]))


def test_every_shipped_riddle_passes_every_check() -> None:
    refused = [
        (example.headline, reason)
        for example in shipped()
        for reason in judge_example(example, examples=others(example)).reasons
    ]
    assert sorted(reason for _, reason in refused) == sorted(
        [
            *(f'The summary has the number "{number}", which the article has not.' for number in COMPUTED),
            NATIONALITY,
        ]
    )


def test_passing_riddles_score_above_one_half() -> None:
    for example in shipped():
        verdict = judge_example(example)
        assert (verdict.score >= 0.5) == verdict.passed


@given(examples, places, places)
def test_a_word_of_the_answer_in_the_riddle_is_a_leak(example: Example, which: int, place: int) -> None:
    words = content_words(example.answer)
    draft = inserted(as_draft(example), words[which % len(words)], place)
    assert "leakage" in failing(judge_example(example, draft))


@given(examples, places, places, st.sampled_from(["s", "'s"]))
def test_a_plural_or_possessive_of_a_word_of_the_answer_is_a_leak(
    example: Example, which: int, place: int, end: str
) -> None:
    words = [word for word in content_words(example.answer) if len(word) > 2]
    draft = inserted(as_draft(example), words[which % len(words)] + end, place)
    assert "leakage" in failing(judge_example(example, draft))


@given(examples, places, st.integers(1, 100))
def test_a_name_of_the_article_in_the_riddle_is_a_leak(example: Example, which: int, place: int) -> None:
    names = sorted(find_names(example.article).certain)
    if names:
        draft = inserted(as_draft(example), names[which % len(names)].title(), place)
        assert "leakage" in failing(judge_example(example, draft))


@given(examples, places, st.sampled_from(["7", "1,200", "\u0663", "2nd", "\u00b2"]))
def test_a_digit_in_the_riddle_is_a_leak(example: Example, place: int, digit: str) -> None:
    assert "leakage" in failing(judge_example(example, inserted(as_draft(example), digit, place)))


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/a", "www.example.org", "a@example.org", "example.com", "<b>", "</article>", "<|im_end|>",
        "**bold**",
        "[INST]", "[Article 3]", "###", "`code`", "[a](b)", "\u202eolleh", "a\u200bb", "\ufeff", "\x07", "&lt;",
    ],
)  # fmt: skip
@given(example=examples, place=places)
def test_links_markup_and_hidden_characters_are_unsafe(text: str, example: Example, place: int) -> None:
    assert "safety" in failing(judge_example(example, inserted(as_draft(example), text, place)))


@given(examples, st.integers(0, 3))
def test_a_shown_example_given_back_is_a_copy(example: Example, which: int) -> None:
    shown = others(example)
    assert "copying" in failing(judge_example(example, as_draft(shown[which]), examples=shown))


@given(examples)
def test_the_summary_given_back_as_a_riddle_is_an_echo(example: Example) -> None:
    half = len(example.summary) // 2
    draft = replace(as_draft(example), riddle=f"{example.summary[:half]}\n{example.summary[half:]}")
    assert "form" in failing(judge_example(example, draft))


@given(examples, st.sampled_from(["Zebulon", "NATO", "Quixada", "Ångström"]))
def test_a_name_that_the_article_has_not_makes_the_summary_ungrounded(example: Example, name: str) -> None:
    spoilt = replace(example, summary=f"{example.summary[:-1]}, said {name}.")
    assert "grounding" in failing(judge_example(spoilt))


@given(examples)
def test_a_number_that_the_article_has_not_makes_the_summary_ungrounded(example: Example) -> None:
    spoilt = replace(example, summary=f"{example.summary[:-1]}, after 98,761 days.")
    assert "grounding" in failing(judge_example(spoilt))


@given(examples, places)
def test_a_spoilt_riddle_ranks_below_the_one_it_was_made_from(example: Example, place: int) -> None:
    draft = inserted(as_draft(example), content_words(example.answer)[0], place)
    assert judge_example(example, draft).score < judge_example(example).score
