"""Rules, leaks, copies and length."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evaluation.evaluators.riddle import AnswerLeak, Copying, Length, Rules, longest_common_run
from tests.evaluation.evaluators.makers import FAILED, a_case, a_pool, a_step, saying
from tests.support.examples import an_example

CASE, POOL = a_case(), a_pool()


def rules(text: str | None, **fields: object) -> dict[str, float | None]:
    return {name: score.value for name, score in Rules()(saying(text, **fields), CASE, POOL).items()}


def test_a_proper_riddle_has_form_and_keeps_its_secret() -> None:
    assert rules("I carried fruit and met a bank;\nthe children came to say their thank.") == {
        "form_valid": 1.0,
        "leak_free": 1.0,
    }


def test_a_word_of_the_answer_in_another_form_is_a_leak() -> None:
    assert rules("I carried fruit and hid in things;\nthe children heard what morning brings.")["leak_free"] == 0.0


def test_prose_has_no_form() -> None:
    assert (
        rules("There was once a ship that went on and on for many words until it met a bank of sand.")["form_valid"]
        == 0.0
    )


def test_no_riddle_text_is_bad_form_and_otherwise_unscored() -> None:
    assert rules(None) == {"form_valid": 0.0, "leak_free": None}
    for evaluator in (AnswerLeak(), Copying(), Length()):
        (score,) = evaluator(saying(None), CASE, POOL).values()
        assert score.value is None


@pytest.mark.parametrize("evaluator", [Rules(), AnswerLeak(), Copying(), Length()])
def test_a_failed_run_is_unscored(evaluator: Rules) -> None:
    assert all(score.value is None for score in evaluator(FAILED, CASE, POOL).values())


def test_the_rules_are_the_same_whatever_the_pipelines_gate_said() -> None:
    assert rules("One line only.", checks=())["form_valid"] == 0.0


@pytest.mark.parametrize(
    ("answer", "text", "leaked"),
    [
        ("the harbour mist", "I came at dawn\nand left", 0.0),
        ("the harbour mist", "I came in mist\nand left", 0.5),
        ("the harbour mist", "The harbours were misty\nand cold", 1.0),
        ("the", "the end", 1.0),
    ],
)
def test_the_share_of_the_answer_that_is_given_away(answer: str, text: str, leaked: float) -> None:
    assert AnswerLeak()(saying(text, answer=answer), CASE, POOL)["answer_leak"].value == leaked


def copied(text: str, *shown: str) -> float | None:
    examples = tuple(
        replace(an_example(number=n), id=f"ex_{n}", riddle=riddle)
        for n, riddle in enumerate(("Who sings in the rain?\nNobody knows", "A cat of glass\nupon the wall"))
    )
    outcome = saying(text, steps=(a_step(*shown),))
    return Copying()(outcome, CASE, a_pool(CASE, examples=examples))["copied_run"].value


def test_the_longest_copied_passage_goes_over_lines_case_and_marks() -> None:
    assert copied("who sings, in the RAIN nobody\nasks", "ex_0", "ex_1") == 6
    assert copied("something else", "ex_0", "ex_1") == 0


def test_only_examples_that_were_shown_count() -> None:
    assert copied("a cat of glass", "ex_0") == 0
    assert copied("a cat of glass", "ex_1") == 4


def test_copying_is_unscored_without_shots() -> None:
    assert copied("a cat of glass") is None
    assert copied("a cat of glass", "ex_gone") is None


@pytest.mark.parametrize(
    ("one", "other", "run"),
    [("a b c d", "x b c y", 2), ("a b a b c", "a b c", 3), ("", "a", 0), ("a", "", 0), ("ab", "a b", 0)],
)
def test_longest_common_runs(one: str, other: str, run: int) -> None:
    assert longest_common_run(one, other) == longest_common_run(other, one) == run


def test_length_is_in_words() -> None:
    assert Length()(saying("one two\nthree-four"), CASE, POOL)["riddle_words"].value == 3
