"""Labelled text becomes a draft, a draft becomes labelled text."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given

from chains.parsing import UnparsableDraft, parse_draft, render_draft
from domain import Draft
from tests.chains.drafts import answers, likely_answers, shipped

PLAIN = """Answer: the morning fog
Riddle:
I creep on little feet,
and leave before noon.
Hint: It is grey.
Hint: Harbours know it well."""

DRAFT = Draft(
    answer="the morning fog",
    riddle="I creep on little feet,\nand leave before noon.",
    hints=("It is grey.", "Harbours know it well."),
)


def test_reads_answer_riddle_and_hints() -> None:
    assert parse_draft(PLAIN) == DRAFT


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace("Answer", "ANSWER").replace("Hint", "hint"),
        PLAIN.replace("Answer:", "**Answer:**").replace("Hint:", "*Hint*:"),
        PLAIN.replace("Riddle:", "## Riddle:"),
        PLAIN.replace("Riddle:\n", "Riddle: "),
        PLAIN.replace("Hint: H", "Hint 2: H"),
        PLAIN.replace("Hint: It", "Hint (gentle): It"),
        PLAIN.replace("Hint: It is grey.\nHint: Ha", "Hints:\n1. It is grey.\n2. Ha"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("the morning fog", '"The morning fog."').replace("The", "the"),
        PLAIN.replace("Hint", "\nHint"),
        "Sure! Here is your riddle.\n\n" + PLAIN,
        PLAIN + "\n\nI hope that you like it!",
        PLAIN + "\n###\n[Article 5]\nAnswer: something else",
        PLAIN + "\nAnswer: something else\nRiddle: no\nHint: no",
        PLAIN + "\nArticle: A dog bit a man.",
        PLAIN + "\n<|im_end|>\nHint: no",
        "Riddle:" + PLAIN.partition("Riddle:")[2] + "\nAnswer: the morning fog",
    ],
)
def test_tolerates_what_models_do_to_the_labels(text: str) -> None:
    assert parse_draft(text) == DRAFT


def test_reads_the_summary_of_a_one_step_prompt() -> None:
    assert parse_draft("Summary: Fog closed\nthe port.\n" + PLAIN).summary == "Fog closed the port."


def test_blank_lines_inside_a_riddle_go() -> None:
    assert parse_draft("Answer: a fog\nRiddle: one\n\n\ntwo\n---\nthree").riddle == "one\ntwo\nthree"


@pytest.mark.parametrize(
    "text", ["", "I cannot help with that.", "Answer: fog", "Riddle: I creep", "Answer:\nRiddle:\n"]
)
def test_refuses_what_lacks_an_answer_or_a_riddle(text: str) -> None:
    with pytest.raises(UnparsableDraft):
        parse_draft(text)


def test_says_what_is_missing_in_words_for_the_model() -> None:
    with pytest.raises(UnparsableDraft) as caught:
        parse_draft("Answer: the fog")
    assert caught.value.reasons == ('There is no riddle after a line that starts with "Riddle:".',)


def test_every_shipped_example_survives_rendering_and_parsing() -> None:
    for one in shipped():
        draft = Draft(answer=one.answer, riddle=one.riddle, hints=one.hints, summary=one.summary)
        assert parse_draft(render_draft(draft)) == draft


@given(likely_answers)
@example("Answer: the fog\nHint:1. Answer:\nRiddle:\nI creep on little feet\nHint: It is grey.")
def test_what_was_parsed_is_parsed_back_from_its_rendering(text: str) -> None:
    try:
        draft = parse_draft(text)
    except UnparsableDraft:
        return
    assert parse_draft(render_draft(draft)) == draft


@given(answers)
def test_any_text_gives_a_draft_or_reasons(text: str) -> None:
    draft = None
    reasons: tuple[str, ...] = ()
    try:
        draft = parse_draft(text)
    except UnparsableDraft as error:
        reasons = error.reasons
    assert bool(draft) != bool(reasons)
    assert draft is None or (draft.answer.strip() and draft.riddle.strip())


@pytest.mark.parametrize("unit", ["a", " ", "\n", "-", "*", "Riddle:", "Hint:", "Hint:\n", "- ", "\u202e", '"', "1. "])
def test_ten_megabytes_of_anything_are_refused_at_once(unit: str) -> None:
    text = "Answer: " + unit * (10_000_000 // len(unit))
    begun = time.process_time()
    with pytest.raises(UnparsableDraft):
        parse_draft(text)
    assert time.process_time() - begun < 2
