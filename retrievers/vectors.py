"""Vectors as rows of float32 matrices; similarity is the cosine, so rows have unit length."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Matrix: TypeAlias = NDArray[np.float32]


def unit(rows: Matrix) -> Matrix:
    """Rows scaled to length 1; a row of zeros (a text without a single known token) becomes the first axis.

    Cosine is not defined for zeros and Chroma answers with NaN; the first axis is like no text more than another.
    """
    norms = np.sqrt(np.einsum("...i,...i->...", rows, rows))[..., np.newaxis]
    scaled: Matrix = np.divide(rows, norms, where=norms > 0, out=np.zeros_like(rows))
    scaled[..., 0] += norms[..., 0] == 0
    return scaled


def as_matrix(rows: Sequence[Sequence[float]]) -> Matrix:
    """What an embeddings model returned, as unit rows."""
    return unit(np.asarray(rows, dtype=np.float32))
