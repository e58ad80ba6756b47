"""What was taken from a shown example."""

from __future__ import annotations

from dataclasses import replace

from domain import Example
from tests.chains.gate.cases import failing, judge, saying, spoilt

EXAMPLE = Example(
    article="A bell was stolen.",
    summary="Thieves stole a bell from a tower.",
    answer="a stolen bell",
    riddle="My tongue is iron and my skirt is bronze,\nI sang above the roofs at break of day.\nWho carried me away?",
)


def test_a_passage_of_an_example_is_a_copy() -> None:
    verdict = judge(saying("my skirt is bronze, i sang above the roofs"), examples=[EXAMPLE])
    assert verdict.reasons == ("The riddle is copied from an example.",)


def test_an_example_with_single_words_replaced_is_a_copy() -> None:
    riddle = (
        "My tongue is copper and my skirt was bronze,\nI sang over roofs at the break of day.\nWho carried them away?"
    )
    assert "copying" in failing(judge(spoilt(riddle=riddle), examples=[EXAMPLE]))


def test_common_turns_of_phrase_are_no_copy() -> None:
    assert judge(saying("At break of day"), examples=[EXAMPLE]).passed


def test_an_example_that_was_not_shown_is_not_known() -> None:
    assert "copying" not in failing(judge(saying("my skirt is bronze, i sang above the roofs")))


def test_an_answer_that_is_an_examples_and_not_in_the_article_is_a_copy() -> None:
    verdict = judge(spoilt(answer="A stolen bell."), examples=[EXAMPLE])
    assert verdict.reasons == ("The answer is copied from an example and not about this article.",)


def test_the_same_answer_is_right_when_the_article_is_about_it() -> None:
    assert (
        judge(spoilt(answer="the waiting pilots"), examples=[replace(EXAMPLE, answer="the waiting pilots")]).score > 0
    )
    verdict = judge(spoilt(answer="the thick mist"), examples=[replace(EXAMPLE, answer="the thick mist")])
    assert "copying" not in failing(verdict)


def test_more_overlap_ranks_lower() -> None:
    assert judge(saying("at break of day"), examples=[EXAMPLE]).score < judge(examples=[EXAMPLE]).score
