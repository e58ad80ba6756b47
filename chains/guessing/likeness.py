"""How much two words mean the same, for every word of a guess and every word of a text: 1 the same, 0 nothing alike."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from chains.words import related, stem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrievers.embeddings import EmbeddingModel
    from retrievers.vectors import Matrix

MISSPELT: Final = 0.9
"""Likeness of a word with a typing error."""

MEANING_FLOOR: Final = 0.4
"""Cosines of word vectors below say nothing: `reporter` and `journalist` are above, `rubbish` and
`garbage`, to which these vectors are blind, are not."""


def likeness(guessed: Sequence[str], told: Sequence[str], embeddings: EmbeddingModel) -> Matrix:
    """One row for each guessed word, one column for each told one, 0 to 1.

    Words of one stem or beginning, and compounds that one side writes apart (`heat wave`, `heatwave`), are the same;
    a word with a typing error nearly is; other words are as alike as their vectors, if those are alike at all.
    """
    if not guessed or not told:
        return np.zeros((len(guessed), len(told)), dtype=np.float32)
    vectors = embeddings.matrix([*guessed, *told])
    found: Matrix = vectors[: len(guessed)] @ vectors[len(guessed) :].T
    found[found < MEANING_FLOOR] = 0
    for row, one in enumerate(guessed):
        for column, other in enumerate(told):
            found[row, column] = max(found[row, column], same_word(one, other))
    _join(found, guessed, told)
    return np.minimum(found, 1)


@lru_cache(maxsize=16_384)
def same_word(one: str, other: str) -> float:
    """1 for two forms of a word, `MISSPELT` for a typing error, else 0."""
    if one == other or related(one, other):
        return 1.0
    return MISSPELT if _is_typo(one, other) else 0.0


def _join(found: Matrix, guessed: Sequence[str], told: Sequence[str]) -> None:
    """Count a compound as one word whichever side writes it apart."""
    for row in range(len(guessed) - 1):
        together = stem(guessed[row] + guessed[row + 1])
        columns = [column for column, word in enumerate(told) if stem(word) == together]
        found[row : row + 2, columns] = 1
    for column in range(len(told) - 1):
        together = stem(told[column] + told[column + 1])
        rows = [row for row, word in enumerate(guessed) if stem(word) == together]
        for row in rows:
            found[row, column : column + 2] = 1


def _is_typo(one: str, other: str) -> bool:
    """Whether a slip of the finger makes one word of the other: one edit from 4 letters on, two from 8 on."""
    shorter = min(len(one), len(other))
    if shorter < _SHORTEST_TYPO or max(len(one), len(other)) > _LONGEST_TYPO:
        return False
    allowed = 2 if shorter >= _TWO_SLIPS else 1
    return abs(len(one) - len(other)) <= allowed and edits(one, other) <= allowed


def edits(one: str, other: str) -> int:
    """Optimal string alignment: letters left out, put in, changed or swapped with their neighbour.

    Source: F. Damerau, "A technique for computer detection and correction of spelling errors", CACM 7(3), 1964.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, char in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, target in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (char != target))
            if i > 1 and j > 1 and char == other[j - 2] and one[i - 2] == target:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


_SHORTEST_TYPO: Final = 4
_LONGEST_TYPO: Final = 40
_TWO_SLIPS: Final = 8
