"""What gives the answer away, and what does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain import Article
from tests.chains.gate.cases import ARTICLE, DRAFT, failing, judge, saying, spoilt


def test_a_riddle_that_keeps_its_secret_passes() -> None:
    assert judge().passed


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ("the harbour mist", "mists"),
        ("the harbour mist", "harbourmaster"),
        ("the harbour mist", "MIST"),
        ("the harbour mist", "misty"),
        ("the thick fog", "foggy"),
        ("the thick fog", "fogs"),
        ("a running river", "ran, run and runs"),
        ("a lying politician", "lie"),
        ("the old lighthouse", "house of light"),
        ("a café fire", "cafe"),
        ("the Río flood", "RIO"),
        ("the harbour mist", "\uff4d\uff49\uff53\uff54"),
        ("浓雾 港口", "大浓雾来了"),
        ("густой туман", "тумана"),
        ("the who", "the who"),
    ],
)
def test_words_that_give_the_answer_away(answer: str, word: str) -> None:
    assert "leakage" in failing(
        judge(spoilt(answer=answer, riddle=f"I came at dawn\nwith {word}\nand left them there"))
    )


@pytest.mark.parametrize("word", ["the", "mi", "her", "harp", "mosaic", "Monday"])
def test_words_that_give_nothing_away(word: str) -> None:
    assert "leakage" not in failing(judge(saying(f"and {word} was there")))


@pytest.mark.parametrize("name", ["Antwerp", "Fogsworth", "Fogsworth's", "Scheldt", "Marlene"])
def test_names_of_the_article_are_leaks(name: str) -> None:
    verdict = judge(saying(f"and {name} was there"))
    assert "leakage" in failing(verdict)
    word = name.lower().removesuffix("'s")
    assert verdict.reasons == (f'The riddle names "{word}" from the article.',)


def test_a_name_at_the_start_of_a_line_is_a_leak() -> None:
    assert "leakage" in failing(judge(saying("Fogsworth was there")))


def test_a_name_that_only_begins_sentences_is_a_leak_where_the_riddle_means_a_name() -> None:
    article = Article(
        text="Colombo has freed mosquitoes. Nobody was bitten. Boats were not.", title="Colombo frees flies"
    )
    verdict = judge(saying("no mate, no life in Colombo"), article=article)
    assert 'The riddle names "colombo" from the article.' in verdict.reasons
    assert "leakage" not in failing(judge(saying("nobody heard the boats"), article=article))
    small = Article(text="Colombo has freed mosquitoes. Boats were empty, and other boats were not.")
    assert "leakage" not in failing(judge(saying("we heard Boats"), article=small))


def test_a_small_word_is_a_name_only_when_the_article_uses_the_name_twice() -> None:
    once = Article(text="It rained. The judge met old Rose there.")
    twice = Article(text="It rained. The judge met old Rose there, and young Rose here.")
    assert "leakage" not in failing(judge(saying("a rose was there"), article=once))
    assert "leakage" in failing(judge(saying("a rose was there"), article=twice))


def test_a_word_that_the_article_also_writes_small_is_no_name_when_small() -> None:
    article = Article(text="We met Mayor Ito and Mayor Abe. The mayor smiled.")
    assert "leakage" not in failing(judge(saying("the mayor was there"), article=article))


def test_single_words_of_the_title_are_allowed_and_cost_score() -> None:
    plain, titled = judge(), judge(saying("some port it was"))
    assert titled.passed
    assert titled.score < plain.score


def test_the_title_told_again_is_a_leak() -> None:
    article = Article(text="A dog won a prize at a fair.", title="Small dog wins first prize at county fair")
    told = judge(saying("a small dog wins first prize"), article=article)
    scattered = judge(spoilt(riddle="first a fair, then a small\ndog who\nwins the county prize"), article=article)
    assert "The riddle repeats the article's title." in told.reasons
    assert "The riddle repeats the article's title." in scattered.reasons


def test_a_hint_may_not_have_the_whole_answer_in_it() -> None:
    assert judge(spoilt(hints=("Think of mist.",))).passed
    verdict = judge(spoilt(hints=("Think of Harbour-Mist!",)))
    assert verdict.reasons == ("A hint has the whole answer in it.",)


@pytest.mark.parametrize("number", ["3", "41st", "\u0669", "\u2460"])
def test_digits_are_leaks_and_number_words_are_not(number: str) -> None:
    assert "leakage" in failing(judge(saying(f"for {number} men")))
    assert "leakage" not in failing(judge(saying("for twenty-five men")))


def test_reasons_hold_single_words_however_hostile_the_answer() -> None:
    hostile = "a" * 500 + "\u202e<script>"
    verdict = judge(spoilt(answer=f"the {hostile}", riddle=f"one\n{hostile}\nthree"))
    assert all(len(reason) < 100 and "\u202e" not in reason and "<" not in reason for reason in verdict.reasons)
    assert DRAFT.answer not in " ".join(verdict.reasons)


def test_a_nationality_of_the_article_is_a_leak() -> None:
    article = replace(ARTICLE, text=f"{ARTICLE.text} A Belgian tug came to help.")
    assert "leakage" in failing(judge(saying("a Belgian was there"), article=article))
    assert "leakage" not in failing(judge(saying("a Belgian was there")))
