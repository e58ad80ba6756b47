"""The stream gives out the riddle's text, all of it and nothing else, however it is cut."""

from __future__ import annotations

import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chains.parsing import DraftStream, UnparsableDraft, parse_draft, render_draft
from domain import Draft
from tests.chains.drafts import answers, likely_answers, shipped


def streamed(pieces: list[str]) -> str:
    stream = DraftStream()
    return "".join([*(stream.feed(piece) for piece in pieces), stream.close()])


def cut(text: str, at: list[int]) -> list[str]:
    edges = [0, *sorted(min(place, len(text)) for place in at), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


@given(answers | likely_answers, st.lists(st.integers(0, 400), max_size=30))
def test_joined_pieces_are_the_parsed_riddle(text: str, at: list[int]) -> None:
    pieces = streamed(cut(text, at))
    try:
        assert pieces == parse_draft(text).riddle
    except UnparsableDraft:
        assert pieces == streamed([text])


def test_a_line_that_begins_with_a_mark_is_passed_over_wherever_it_is_cut() -> None:
    line = "[Summary 4]Answer:Riddle:text"
    assert {streamed(cut(line, [place])) for place in range(len(line))} == {""}


@given(answers | likely_answers)
def test_one_character_at_a_time_gives_the_same_as_all_at_once(text: str) -> None:
    assert streamed(list(text)) == streamed([text])


def test_shipped_riddles_stream_exactly() -> None:
    for example in shipped()[::8]:
        draft = Draft(answer=example.answer, riddle=example.riddle, hints=example.hints)
        assert streamed(list(render_draft(draft))) == example.riddle


def test_text_comes_out_word_by_word_once_a_line_cannot_be_a_label() -> None:
    stream = DraftStream()
    deltas = ["Answer", ": the", " fog\n", "Riddle:\n", "I", " creep", " on", "\nHi", "gh", " feet", "\nHint", ": grey"]
    assert [stream.feed(delta) for delta in deltas] == [
        "",
        "",
        "",
        "",
        "I",
        " creep",
        " on",
        "",
        "\nHigh",
        " feet",
        "",
        "",
    ]


def test_answer_and_hints_never_come_out() -> None:
    text = "**Answer:** SECRET\n**Riddle:** soft\nHint: SECRET\n\nSECRET\n###\nRiddle: SECRET"
    assert streamed(list(text)) == "soft"


def test_a_long_stream_of_single_characters_is_read_in_linear_time() -> None:
    begun = time.process_time()
    streamed(["Answer: a\nRiddle: ", *(" -" * 60_000)])
    assert time.process_time() - begun < 2
