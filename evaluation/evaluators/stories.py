"""The stories of a dataset as vectors, and the line-ups of stories that a blind solver chooses from.

A line-up is the right story and up to nine others. It depends on the ids of the dataset's cases and on nothing else,
so every pipeline and every repeat is measured against the same stories. The others are

* `random`: any others of the dataset, drawn by the hash of the case's id (SHA-256 of the id and a counter, taken as a
  place in the sorted ids; places that came before are passed over);
* `topical`: first those of the same topic or published on the same day (UTC), drawn likewise, filled up with random
  ones to nine; there is no such line-up when the case shares neither with any other;
* `similar`: the nine whose vectors are most similar to the right story's.

Another case with the very same article text is never among the others: nobody could tell them apart.
"""

from __future__ import annotations

import hashlib
from datetime import UTC
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from retrievers.vectors import as_matrix

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evaluation.case import Case
    from evaluation.evaluators.pool import TextVectors
    from retrievers.vectors import Matrix

Difficulty = Literal["random", "topical", "similar"]

LINEUP: Final = 10
"""Stories in a line-up, the right one included: who guesses is right once in ten."""


def story_text(case: Case) -> str:
    """A story as its reader sees it: headline and article."""
    return f"{case.article.title or ''}\n{case.article.text}".strip()


class Stories:
    """The vectors of all stories, by case id, and the line-ups.

    Args:
        cases: All cases of the dataset, by id.
        embeddings: What makes vectors; asked once for all stories.
    """

    def __init__(self, cases: Mapping[str, Case], embeddings: TextVectors) -> None:
        self._cases = cases
        self._ids = sorted(cases)
        self._places = {case_id: place for place, case_id in enumerate(self._ids)}
        self._rows = as_matrix(embeddings.embed_documents([_read(cases[case_id]) for case_id in self._ids]))
        self._groups = _groups(cases)
        self._kept: dict[tuple[str, Difficulty], tuple[str, ...]] = {}

    def similarities(self, vector: Matrix, case_ids: Sequence[str]) -> Matrix:
        """Cosines of a vector of unit length with these stories'."""
        similar: Matrix = self._rows[[self._places[case_id] for case_id in case_ids]] @ vector
        return similar

    def lineup(self, case_id: str, difficulty: Difficulty) -> tuple[str, ...]:
        """The case and up to nine others, the case first; the case alone when there is no such line-up."""
        key = (case_id, difficulty)
        if key not in self._kept:
            others = {"random": self._random, "topical": self._topical, "similar": self._similar}[difficulty]
            self._kept[key] = (case_id, *others(case_id))
        return self._kept[key]

    def alike(self, case_id: str) -> list[str]:
        """The other cases of the same topic or day, by id."""
        found = {other for key in _keys(self._cases[case_id]) for other in self._groups[key]}
        return sorted(other for other in found if self._differs(case_id, other))

    def _random(self, case_id: str) -> list[str]:
        return self._draw(case_id, self._ids, ())

    def _topical(self, case_id: str) -> list[str]:
        drawn = self._draw(case_id, self.alike(case_id), ())
        return self._draw(case_id, self._ids, drawn) if drawn else []

    def _similar(self, case_id: str) -> list[str]:
        scores = self._rows @ self._rows[self._places[case_id]]
        ranked = (self._ids[place] for place in np.argsort(-scores, kind="stable"))
        different = (other for other in ranked if self._differs(case_id, other))
        return [other for other, _ in zip(different, range(LINEUP - 1), strict=False)]

    def _draw(self, case_id: str, ids: Sequence[str], drawn: Sequence[str]) -> list[str]:
        """Up to nine in all: those drawn already, then others of `ids`."""
        found = list(drawn)
        candidates = ids if len(ids) <= LINEUP else (ids[place] for place in _places(case_id, len(ids)))
        for other in candidates:
            if len(found) == LINEUP - 1:
                break
            if other not in found and self._differs(case_id, other):
                found.append(other)
        return found

    def _differs(self, case_id: str, other: str) -> bool:
        return other != case_id and self._cases[other].article.text != self._cases[case_id].article.text


def _read(case: Case) -> str:
    return story_text(case)[:_LONGEST_READ]


def _groups(cases: Mapping[str, Case]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for case_id, case in cases.items():
        for key in _keys(case):
            groups.setdefault(key, []).append(case_id)
    return groups


def _keys(case: Case) -> Iterator[str]:
    if case.topic:
        yield f"topic {case.topic}"
    if case.article.published_at is not None:
        yield f"day {case.article.published_at.astimezone(UTC).date()}"


def _places(case_id: str, count: int) -> Iterator[int]:
    """Places below `count`, as the hash of the id gives them; enough to meet nearly all when there are few."""
    for number in range(_MOST_DRAWS):
        digest = hashlib.sha256(f"{case_id}:{number}".encode()).digest()
        yield int.from_bytes(digest[:8], "big") % count


_LONGEST_READ: Final = 20_000
"""Characters of a story that are embedded, some 3,500 words: longer ones say what they are about by then."""

_MOST_DRAWS: Final = 500
