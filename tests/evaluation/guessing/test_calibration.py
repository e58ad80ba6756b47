from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from chains.guessing import GuessJudge
from chains.guessing.judge import SHIPPED
from chains.guessing.reading import telling_words
from evaluation.guessing import Labelled, calibrate, elsewhere, measure, read_labelled
from retrievers import load_embeddings
from retrievers.shipped import read_shipped

DOCUMENT = Path(__file__).parents[3] / "docs" / "guesses.md"


@pytest.fixture(scope="module")
def labelled() -> tuple[Labelled, ...]:
    return read_labelled()


@pytest.fixture(scope="module")
def judge() -> GuessJudge:
    return GuessJudge(load_embeddings())


def of_part(labelled: tuple[Labelled, ...], part: str) -> list[Labelled]:
    return [one for one in labelled if one.part == part]


def test_there_are_enough_labelled_guesses_of_each_kind(labelled: tuple[Labelled, ...]) -> None:
    assert len({one.story for one in labelled}) >= 60
    assert min(Counter(one.label for one in labelled).values()) >= 200


def test_no_guess_is_labelled_twice(labelled: tuple[Labelled, ...]) -> None:
    assert max(Counter((one.story, one.made, one.guess.casefold()) for one in labelled).values()) == 1


def test_no_story_is_in_both_parts(labelled: tuple[Labelled, ...]) -> None:
    stories = [{one.story for one in of_part(labelled, part)} for part in ("calibration", "test")]
    assert stories[0].isdisjoint(stories[1])
    assert min(map(len, stories)) >= 20


def test_what_ships_is_what_the_calibration_gives(labelled: tuple[Labelled, ...], judge: GuessJudge) -> None:
    found = calibrate(of_part(labelled, "calibration"), judge)
    assert (found.near, found.right) == (SHIPPED.near, SHIPPED.right)
    for step, shipped in ((found.to_near, SHIPPED.to_near), (found.to_right, SHIPPED.to_right)):
        assert step.weights == pytest.approx(shipped.weights, abs=0.02)
        assert step.offset == pytest.approx(shipped.offset, abs=0.02)


def test_no_sign_counts_against_a_guess() -> None:
    assert min(*SHIPPED.to_near.weights, *SHIPPED.to_right.weights) >= 0


def test_what_solves_one_riddle_solves_no_other(labelled: tuple[Labelled, ...], judge: GuessJudge) -> None:
    found = elsewhere(of_part(labelled, "test"), judge)
    assert sum(found.values()) > 500
    assert found["right"] <= 0.005 * sum(found.values())
    assert found["near"] <= 0.03 * sum(found.values())


def test_the_answer_among_twenty_words_of_other_answers_is_not_right(
    labelled: tuple[Labelled, ...], judge: GuessJudge
) -> None:
    others = sorted({word for example in read_shipped() for word in telling_words(example.answer)})
    draw = random.Random(1)
    for secret in {one.secret.answer: one.secret for one in of_part(labelled, "test")}.values():
        listed = [*telling_words(secret.answer), *draw.sample(others, 16)]
        draw.shuffle(listed)
        assert judge.judge(" ".join(listed), secret).verdict != "right"


def test_guesses_that_no_calibration_has_seen_are_judged_as_well_as_documented(
    labelled: tuple[Labelled, ...], judge: GuessJudge
) -> None:
    found = measure(of_part(labelled, "test"), judge)
    documented = {
        name: float(re.search(rf"\| {name} \|[^|]*\| ([\d.]+)% ", DOCUMENT.read_text())[1]) / 100  # type: ignore[index]
        for name in ("right or not right", "right, near or wrong", "wrong guesses called right")
    }
    assert found.solving_accuracy >= documented["right or not right"] - 0.0005 >= 0.85
    assert found.accuracy >= documented["right, near or wrong"] - 0.0005 >= 0.75
    assert found.nonsense_solves <= documented["wrong guesses called right"] + 0.0005 <= 0.03
