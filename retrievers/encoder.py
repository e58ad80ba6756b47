"""An article as one vector in which title and lead weigh more than their length."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from retrievers.vectors import Matrix, unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrievers.embeddings import EmbeddingModel

TITLE_WEIGHT = 0.25
LEAD_WEIGHT = 0.75
BODY_WEIGHT = 1.0

MAX_TITLE_CHARS = 300
MAX_LEAD_CHARS = 400
MAX_BODY_CHARS = 1_200
"""News tells what matters first: reading on finds no better examples on our texts, and costs time."""

_SHARES = {
    "title": (MAX_TITLE_CHARS, TITLE_WEIGHT),
    "lead": (MAX_LEAD_CHARS, LEAD_WEIGHT),
    "body": (MAX_BODY_CHARS, BODY_WEIGHT),
}

FORMULA = " + ".join(f"{weight} {name}[:{limit}]" for name, (limit, weight) in _SHARES.items())
"""Remembered by the index, which is rebuilt when it changes."""

_PARAGRAPH_END = re.compile(r"\n\s*\n")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]]*\s|[。！？]")  # noqa: RUF001  # other scripts end sentences, too


class ArticleEncoder:
    """Embeds examples and articles alike.

    The vector is `unit(0.25 e(title) + 0.75 e(lead) + 1.0 e(body))`, where `e` gives unit vectors, the lead is the
    first paragraph (at most 400 characters, cut at the end of a sentence) and the body the 1,200 characters after it.
    A part that is missing is left out. So a lead of a few dozen words weighs nearly as much as the many paragraphs
    after it, as news is written.
    """

    def __init__(self, embeddings: EmbeddingModel) -> None:
        self.embeddings = embeddings

    def encode(self, articles: Sequence[tuple[str | None, str]]) -> Matrix:
        """One row of unit length for each pair of title and text."""
        parts = [_parts(title, text) for title, text in articles]
        texts = [text for part in parts for _, text in part]
        weights = np.array([[weight] for part in parts for weight, _ in part], dtype=np.float32)
        rows = self.embeddings.matrix(texts) * weights
        if len(parts) == 1:
            return unit(np.add.reduce(rows, axis=0, keepdims=True))
        starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
        return unit(np.add.reduceat(rows, starts, axis=0))


def _parts(title: str | None, text: str) -> list[tuple[float, str]]:
    lead, body = split_lead(text)
    weighted = ((TITLE_WEIGHT, (title or "")[:MAX_TITLE_CHARS]), (LEAD_WEIGHT, lead), (BODY_WEIGHT, body))
    return [(weight, part) for weight, part in weighted if part.strip()] or [(1.0, text[:MAX_LEAD_CHARS])]


def split_lead(text: str) -> tuple[str, str]:
    """The lead and the start of the rest; looks at no more of the text than it returns."""
    head = text[: MAX_LEAD_CHARS + MAX_BODY_CHARS].lstrip()
    paragraph = _PARAGRAPH_END.search(head, 1)
    end = paragraph.start() if paragraph else len(head)
    if end > MAX_LEAD_CHARS:
        end = _last_break(head[:MAX_LEAD_CHARS])
    return head[:end], head[end : end + MAX_BODY_CHARS]


def _last_break(text: str) -> int:
    sentences = [match.end() for match in _SENTENCE_END.finditer(text)]
    if sentences:
        return sentences[-1]
    return text.rfind(" ") + 1 or len(text)
