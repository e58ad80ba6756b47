from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrievers.encoder import MAX_BODY_CHARS, MAX_LEAD_CHARS, ArticleEncoder, split_lead
from retrievers.vectors import unit

if TYPE_CHECKING:
    from retrievers.wordllama_embeddings import WordLlamaEmbeddings


def test_the_vector_is_the_documented_mean_of_title_lead_and_body(embeddings: WordLlamaEmbeddings) -> None:
    title, lead, body = "Cat elected mayor", "A cat won the vote.", "It slept through the ceremony.\n\nFish was served."
    vector = ArticleEncoder(embeddings).encode([(title, f"{lead}\n\n{body}")])[0]
    e = embeddings.matrix([title, lead, "\n\n" + body])
    np.testing.assert_allclose(vector, unit(0.25 * e[0] + 0.75 * e[1] + 1.0 * e[2]), atol=1e-6)


def test_missing_parts_are_left_out(embeddings: WordLlamaEmbeddings) -> None:
    vector = ArticleEncoder(embeddings).encode([(None, "A cat won the vote.")])[0]
    np.testing.assert_allclose(vector, embeddings.matrix(["A cat won the vote."])[0], atol=1e-6)


def test_many_at_once_are_the_same_as_one_by_one(embeddings: WordLlamaEmbeddings) -> None:
    articles = [("Title", "Lead.\n\nBody."), (None, "Only a lead."), ("", "x" * 10_000), ("T", " ")]
    encoder = ArticleEncoder(embeddings)
    together = encoder.encode(articles)
    np.testing.assert_allclose(together, np.concatenate([encoder.encode([one]) for one in articles]), atol=1e-6)


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("One paragraph.", "One paragraph."),
        ("First.\n\nSecond.", "First."),
        ("First.\n \t\nSecond.", "First."),
        (f"{'A sentence. ' * 60}", "A sentence. " * 33),
        (f"{'word ' * 200}", "word " * 80),
        ("x" * 1000, "x" * MAX_LEAD_CHARS),
        ("見出し。" * 200, "見出し。" * 100),
    ],
)
def test_the_lead_is_the_first_paragraph_or_whole_sentences_of_it(text: str, lead: str) -> None:
    assert split_lead(text)[0] == lead


@given(st.text(max_size=6000))
def test_lead_and_body_are_the_start_of_the_text(text: str) -> None:
    lead, body = split_lead(text)
    assert text.lstrip().startswith(lead + body)
    assert len(lead) <= MAX_LEAD_CHARS
    assert len(body) <= MAX_BODY_CHARS
    if len(text) < MAX_BODY_CHARS:
        assert lead + body == text.lstrip()
