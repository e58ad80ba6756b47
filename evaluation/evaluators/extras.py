"""The packages of the extra `eval`, each loaded when an evaluator first needs it."""

from __future__ import annotations

from functools import cache
from typing import Any

from domain.errors import MissingExtra


@cache
def rouge_scorer() -> Any:
    """The scorer of `rouge-score`, a port of Google Research's, with Porter's stemmer.

    Raises:
        MissingExtra: The package is not installed.
    """
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError as error:
        raise MissingExtra("evaluation", "eval") from error
    return RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)


@cache
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
