"""Phrases that break off, and phrases that end like them and do not."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.gate.endings import _KEEPERS, breaks_off
from chains.gate.material import flat
from tests.chains.drafts import shipped

if TYPE_CHECKING:
    from domain import Example

ARTICLE = flat("Germany's chancellor lost the vote. McDonald's said in Germany that nothing had changed at McDonald's.")

examples = st.sampled_from(shipped())


@pytest.mark.parametrize(
    "phrase",
    [
        "swans building a nest in a city's",
        "swans building a nest in a city\u2019s",
        "a strike of baggage handlers'",
        "the fall of Germany's",
        "The Dream Of A Baker And Their",
        "a strike by the workers of the",
        "a bridge that it's",
        "a vote despite",
        "a record number of trees,",
        "a late-night -",
        "the longest rainbow \u2026",
        "the longest rainbow...",
        "a ship (",
        "a cat and/",
        'a film called "The Return of"',
    ],
)
def test_a_phrase_that_leads_on_breaks_off(phrase: str) -> None:
    assert breaks_off(phrase, article=ARTICLE)


@pytest.mark.parametrize(
    "phrase",
    [
        "",
        "!!!",
        "a burglar at the dentist's",
        "a night at a neighbour's",
        "a queue at McDonald's",
        "a pair of Levi\u2019s",
        "a report of straight A's",
        "a fashion of the 1980's",
        "a film called 'Cats'",
        "a film called \u2018Cats\u2019",
        "the cat that saved her",
        "a house broken into",
        "a rule to do without",
        "a politician who carries on",
        "prices going up",
        "a tree cut down.",
        'a film called "The Return"',
        "a mix-up",
        "the price of ships",
        "los precios de la",
    ],
)
def test_a_phrase_that_ends_does_not(phrase: str) -> None:
    assert not breaks_off(phrase, article=ARTICLE)


def test_no_answer_that_people_wrote_breaks_off() -> None:
    assert [one.answer for one in shipped() if breaks_off(one.answer, article=flat(one.article))] == []


def test_no_guess_that_people_wrote_and_that_is_about_the_story_breaks_off() -> None:
    lines = (files("evaluation") / "guessing" / "guesses.jsonl").read_text(encoding="utf-8").splitlines()
    guesses = [guess for line in lines for label in ("right", "near") for guess in json.loads(line)[label]]
    assert len(guesses) > 500
    assert [guess for guess in guesses if breaks_off(guess)] == []


def test_every_answer_with_a_possessive_breaks_off_where_it_stands() -> None:
    cut = 0
    for example in shipped():
        words = example.answer.split()
        for number, word in enumerate(words, start=1):
            if word.endswith(("'s", "s'")) and word[:-2] not in _KEEPERS:
                assert breaks_off(" ".join(words[:number]), article=flat(example.article)), example.answer
                cut += 1
    assert cut > 20


@given(examples, st.sampled_from(["of", "the", "and a", "by its", "\u2013", ","]))
def test_every_answer_that_leads_on_breaks_off(example: Example, more: str) -> None:
    assert breaks_off(f"{example.answer} {more}")
