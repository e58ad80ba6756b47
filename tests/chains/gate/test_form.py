"""What does not look like a riddle."""

from __future__ import annotations

import pytest

from chains.gate.form import count_words
from tests.chains.gate.cases import ARTICLE, SUMMARY, failing, judge, saying, spoilt


@pytest.mark.parametrize(
    ("riddle", "reason"),
    [
        ("I came without a sound at dawn and went away at noon.", "The riddle has fewer than 2 lines."),
        ("\n".join(f"line number {word}" for word in "abcdefg"), "The riddle has more than 6 lines."),
        ("I came\nat dawn", "The riddle has fewer than 8 words."),
        ("\n".join(f"{letter} word" + " more" * 15 for letter in "abcd"), "The riddle has more than 58 words."),
        (f"short\n{'long ' * 17}", "The riddle is prose: its lines are too long."),
        ("I came at dawn, I came\nand went\nand WENT!", "The riddle says the same line twice."),
    ],
)
def test_what_is_no_riddle_is_told_why(riddle: str, reason: str) -> None:
    assert reason in judge(spoilt(riddle=riddle)).reasons


@pytest.mark.parametrize("answer", ["mist", "one two three four five six seven eight nine", "- -", "!"])
def test_answers_of_another_length_are_refused(answer: str) -> None:
    assert "form" in failing(judge(spoilt(answer=answer)))


@pytest.mark.parametrize(
    "answer",
    ["a record number of saplings killed by", "a rainbow over the", "a nest in a city's", "the fog over Antwerp's"],
)
def test_answers_that_break_off_are_refused(answer: str) -> None:
    assert "The answer breaks off." in judge(spoilt(answer=answer)).reasons


@pytest.mark.parametrize("answer", ["a tree cut down", "a break-in", "\u96fe\u96fe \u96fe\u96fe"])
def test_answers_that_end_are_not(answer: str) -> None:
    assert "The answer breaks off." not in judge(spoilt(answer=answer)).reasons


@pytest.mark.parametrize("hints", [(), ("It is wet.",) * 2, ("",), tuple("abcde"), ("word " * 31,)])
def test_missing_repeated_empty_or_too_many_hints_are_refused(hints: tuple[str, ...]) -> None:
    assert "form" in failing(judge(spoilt(hints=hints)))


def test_a_passage_of_the_instructions_is_an_echo() -> None:
    prompt = "You turn news into riddles. Say in a few words what is to be guessed, then write a short riddle about it."
    draft = saying("say in a few words what is to be guessed")
    assert "form" not in failing(judge(draft))
    verdict = judge(draft, prompt_texts=[prompt])
    assert verdict.reasons == ("The riddle repeats a passage of the instructions.",)


def test_a_passage_of_the_summary_is_an_echo() -> None:
    assert SUMMARY.lower().startswith("fog closed the port")
    verdict = judge(saying("and 25 ships had to wait for nine hours"))
    assert "The riddle repeats a passage of the summary." in verdict.reasons


def test_the_summary_in_another_order_is_an_echo() -> None:
    verdict = judge(spoilt(riddle="Ships had to wait\nnine hours, the port closed,\nfog on the ships and hours"))
    assert "The riddle is the summary in another order." in verdict.reasons


def test_a_short_quotation_of_the_article_is_allowed_and_a_long_passage_is_not() -> None:
    words = ARTICLE.text.split()
    assert "form" not in failing(judge(saying("waits till the port opens again on tuesday")))
    assert "form" in failing(judge(saying(" ".join(words[-20:-5]))))


@pytest.mark.parametrize(
    ("text", "words"),
    [("one two", 2), ("rock 'n' roll", 3), ("- one --", 1), ("", 0), ("café au lait", 3), ("浓雾", 1), ("浓雾港口", 2)],
)
def test_words_are_counted_by_spaces_or_by_two_letters_where_there_are_none(text: str, words: int) -> None:
    assert count_words(text) == words
