"""The packages of the extra `eval`, each loaded when an evaluator first needs it."""

from __future__ import annotations

from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any, Final

from domain.errors import MissingExtra


@cache
def rouge_scorer() -> Any:
    """The scorer of `rouge-score`, Google Research's own, with Porter's stemmer, whose stems are remembered.

    Raises:
        MissingExtra: The package is not installed.
    """
    try:
        from nltk.stem.porter import PorterStemmer
        from rouge_score.rouge_scorer import RougeScorer
        from rouge_score.tokenize import tokenize
    except ImportError as error:
        raise MissingExtra("evaluation", "eval") from error
    stemmer = SimpleNamespace(stem=lru_cache(maxsize=_MOST_STEMS)(PorterStemmer().stem))
    tokenizer = SimpleNamespace(tokenize=lambda text: tokenize(text, stemmer))
    return RougeScorer(["rouge1", "rouge2", "rougeL"], tokenizer=tokenizer)


@lru_cache(maxsize=50_000)
def pronunciations(word: str) -> tuple[str, ...]:
    """How a word is said, in the CMU Pronouncing Dictionary's phones (`HH AW1 S`); empty for a word not in it.

    Args:
        word: In lower case.

    Raises:
        MissingExtra: The package `pronouncing` is not installed.
    """
    try:
        import pronouncing
    except ImportError as error:
        raise MissingExtra("evaluation", "eval") from error
    return tuple(pronouncing.phones_for_word(word))


_MOST_STEMS: Final = 20_000
"""Words; stemming them again would be most of what ROUGE takes."""
