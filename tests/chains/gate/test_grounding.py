"""What a summary may not make up."""

from __future__ import annotations

import pytest

from chains.gate import ArticleFacts
from domain import Article
from tests.chains.gate.cases import ARTICLE, GATE


def ungrounded(summary: str, article: Article = ARTICLE) -> tuple[str, ...]:
    return GATE.summary_reasons(summary, article=article)


@pytest.mark.parametrize(
    "summary",
    [
        "Fog closed the port of Antwerp.",
        "Pilot Marlene Fogsworth waited nine hours with 1200 sailors.",
        "In Belgium, 25 ships of Antwerp's port waited.",
        "The Antwerpian port opens on Wednesday.",
        "Two of the sailors slept.",
        "It was the first closure for six decades.",
    ],
)
def test_what_stands_in_the_article_is_grounded(summary: str) -> None:
    assert ungrounded(summary) == ()


@pytest.mark.parametrize(
    ("summary", "word"),
    [
        ("Fog closed the port of Rotterdam.", "rotterdam"),
        ("The pilot, Ana, waited.", "ana"),
        ("It was closed, said the ESA.", "esa"),
    ],
)
def test_other_names_are_not(summary: str, word: str) -> None:
    assert ungrounded(summary) == (f'The summary names "{word}", which the article does not.',)


@pytest.mark.parametrize(
    ("summary", "number"),
    [
        ("Fog cost 1,300 sailors a day.", "1300"),
        ("Some 26 ships wait.", "26"),
        ("Thirty-one ships wait.", "31"),
        ("It cost 2.5 million.", "2.5"),
        ("It was \u0663\u0662 degrees.", "32"),
    ],
)
def test_other_numbers_are_not(summary: str, number: str) -> None:
    assert ungrounded(summary) == (f'The summary has the number "{number}", which the article has not.',)


def test_empty_endless_and_unsafe_summaries_are_refused() -> None:
    assert ungrounded(" ") == ("The summary is empty.",)
    assert ungrounded("word " * 91) == ("The summary has more than 90 words.",)
    assert ungrounded("See https://example.org now.") == ("There is a web or e-mail address in the summary.",)


def test_a_fact_far_down_a_huge_article_is_found() -> None:
    article = Article(text="word " * 100_000 + "Zebulon paid 77,123 for it.")
    assert ungrounded("Someone called Zebulon paid.", article) == ()
    assert ungrounded("Someone called Zenobia paid.", article) != ()


def test_facts_are_worked_out_once() -> None:
    facts = ArticleFacts(ARTICLE)
    assert facts.names is facts.names
    assert facts.flat is facts.flat
