"""The dataset: cases by name, each article once, with a hash that tells whether anything changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.article import content_hash
from evaluation.codec import case_to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain import Article
    from evaluation.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Cases in a fixed order.

    Args:
        name: As it was asked for: `dev`, `train`, a path, `stored:50`.
        cases: Each article once.
        available: How many there were before a limit.
    """

    name: str
    cases: tuple[Case, ...]
    available: int

    @classmethod
    def of(cls, name: str, cases: Iterable[Case]) -> Dataset:
        """A dataset of these cases; of several with the same article, the first is taken."""
        unique: dict[str, Case] = {}
        for case in cases:
            unique.setdefault(case.id, case)
        return cls(name=name, cases=tuple(unique.values()), available=len(unique))

    @property
    def hash(self) -> str:
        """SHA-256 over the cases with their references, whatever their order."""
        lines = sorted(json.dumps(case_to_json(case), sort_keys=True) for case in self.cases)
        return content_hash(*lines)

    def limited(self, limit: int | None) -> Dataset:
        """At most so many cases, chosen by the hash of their ids: the same ones everywhere, in the same order.

        A larger limit keeps what a smaller one chose.
        """
        if limit is None or limit >= len(self.cases):
            return self
        chosen = {case.id for case in sorted(self.cases, key=lambda case: content_hash("sample", case.id))[:limit]}
        kept = tuple(case for case in self.cases if case.id in chosen)
        return Dataset(name=self.name, cases=kept, available=self.available)


def case_id(article: Article) -> str:
    """`case_` and 16 hex digits of the hash of the article's words; case and white space do not count."""
    return f"case_{content_hash(normal_form(article.title or '', article.text))[:16]}"


def normal_form(*texts: str) -> str:
    """The words of texts, to compare articles by: folded case, single spaces."""
    return " ".join(" ".join(texts).casefold().split())
