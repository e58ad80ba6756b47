"""The blind solver that compares vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain import Article
from evaluation.evaluators.solver import EmbeddingSolver
from tests.evaluation.evaluators.makers import FAILED, a_case, a_pool, an_outcome, saying
from tests.support.examples import STORIES

if TYPE_CHECKING:
    from evaluation.metric import Score
    from evaluation.outcome import Outcome

POOL = a_pool()


def solve(outcome: Outcome) -> dict[str, Score]:
    return EmbeddingSolver()(outcome, POOL.cases[outcome.case_id], POOL)


def test_an_obvious_riddle_is_found_at_once_and_by_far() -> None:
    scores = solve(saying("A ferry full of oranges on a sandbank\nnear the harbour"))
    assert scores["solver_accuracy"].value == scores["solver_accuracy_hard"].value == scores["solver_mrr"].value == 1
    margin = scores["solver_margin"].value
    assert margin is not None
    assert margin > 0.2


def test_a_riddle_about_another_story_is_not_found() -> None:
    scores = solve(saying("A comet broke above the desert\nand astronomers counted"))
    assert scores["solver_accuracy"].value == 0
    assert scores["solver_mrr"].value is not None
    assert 1 / 6 <= scores["solver_mrr"].value <= 1 / 2
    margin = scores["solver_margin"].value
    assert margin is not None
    assert margin < 0


def test_neither_answer_nor_hints_nor_summary_help() -> None:
    vague = "I am not what I was.\nWhat am I?"
    telling = saying(vague, answer="a ferry full of oranges", hints=("the sandbank",), summary="a ferry of oranges")
    silent = saying(vague, answer="x", hints=(), summary=None)
    assert solve(telling) == solve(silent)


@pytest.mark.parametrize("topic", STORIES)
def test_riddles_of_people_are_found_among_six(topic: str) -> None:
    scores = solve(an_outcome(a_case(topic)))
    assert scores["solver_accuracy"].value == 1
    assert scores["solver_accuracy"].reason == "among 6 stories only"


def test_a_full_lineup_needs_no_remark() -> None:
    cases = [
        a_case(topic, id=f"{topic} {n}", article=Article(text=f"{n} {STORIES[topic]}"))
        for topic in STORIES
        for n in (1, 2)
    ]
    pool = a_pool(*cases)
    assert EmbeddingSolver()(an_outcome(cases[0]), cases[0], pool)["solver_accuracy"].reason == ""


def test_topics_without_a_second_story_are_unscored_while_the_others_are_not() -> None:
    scores = solve(saying("A ferry full of oranges"))
    assert scores["solver_accuracy_topic"].value is None
    assert scores["solver_accuracy"].value is not None


def test_a_tie_is_not_a_find() -> None:
    one = a_case("sea", id="one", article=Article(text="wind and rain"))
    other = a_case("sea", id="other", article=Article(text="rain and wind"))  # the same mean of word vectors
    scores = EmbeddingSolver()(an_outcome(one, riddle="wind"), one, a_pool(one, other))
    assert scores["solver_accuracy"].value == 0
    assert scores["solver_mrr"].value == 0.5


@pytest.mark.parametrize("outcome", [FAILED, saying(None), saying("  ")])
def test_nothing_to_solve_is_unscored(outcome: Outcome) -> None:
    assert all(score.value is None and score.reason for score in solve(outcome).values())


def test_one_story_alone_is_unscored() -> None:
    case = a_case()
    scores = EmbeddingSolver()(an_outcome(case), case, a_pool(case))
    assert all(score.value is None for score in scores.values())


def test_a_case_outside_the_pool_is_unscored() -> None:
    case = a_case(id="elsewhere")
    assert EmbeddingSolver()(an_outcome(case), case, POOL)["solver_accuracy"].value is None
