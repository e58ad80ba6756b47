"""Tokens word by word are the tokens of the whole text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import Whitespace

from retrievers import word_tokens
from retrievers.word_tokens import WordTokens
from retrievers.wordllama_embeddings import WordLlamaEmbeddings
from tests.support.articles import real_articles

if TYPE_CHECKING:
    from collections.abc import Sequence

EMBEDDINGS = WordLlamaEmbeddings()
TOKENIZER = EMBEDDINGS._tokenizer
WORDS = WordTokens(TOKENIZER)
LETTERS = st.text(st.sampled_from("ab ▁ \n\t<s>/é🎉_-'\"0日"), max_size=40)


def whole(text: str) -> Sequence[int]:
    ids: list[int] = TOKENIZER.encode(text, add_special_tokens=False).ids
    return ids


@given(st.one_of(LETTERS, st.text(max_size=60)))
@example("")
@example(" ")
@example("_ ")
@example("  a   b  ")
@example("a▁b ▁ c")
@example("<s>begin</s> of <unk>")
def test_any_text_gives_the_tokens_of_the_whole(text: str) -> None:
    assert WORDS.ids(text) == whole(text)


def test_real_articles_do_also_when_words_were_met_before() -> None:
    words = WordTokens(TOKENIZER)
    for article in real_articles(40) * 2:
        assert words.ids(article.text) == whole(article.text)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_tokens, "CAPACITY", 50)
    words = WordTokens(TOKENIZER)
    for number in range(1_000):
        words.ids(f"word{number} {'long' * 20}{number}")
    assert len(words._known) <= 50
    assert all(len(word) <= word_tokens.MAX_WORD_CHARS for word in words._known)


def test_few_texts_and_many_get_the_same_vectors() -> None:
    texts = [article.text for article in real_articles(20)]
    many = EMBEDDINGS.matrix(texts)
    for text, row in zip(texts, many, strict=True):
        assert (EMBEDDINGS.matrix([text])[0] == row).all()


def test_a_tokenizer_whose_words_hang_together_is_refused() -> None:
    with pytest.raises(ValueError, match="word by word"):
        WordTokens(Tokenizer(BPE({"▁": 0, "a": 1, "a▁": 2}, [("a", "▁")])))
    cuts_by_itself = Tokenizer(BPE({"▁": 0, "a": 1}, []))
    cuts_by_itself.pre_tokenizer = Whitespace()
    with pytest.raises(ValueError, match="word by word"):
        WordTokens(cuts_by_itself)
