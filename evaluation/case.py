"""The case: one article of a dataset, with what a person made of it where there is that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain import Article


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One article to make a riddle of.

    Args:
        id: The same for the same article in every experiment; cases are paired by it.
        article: What pipelines are given.
        topic: A short lower-case word; empty when nobody said.
        summary: The reference summary, written by a person.
        answer: The reference answer.
        riddle: The reference riddle.
        hints: The reference hints.
    """

    id: str
    article: Article
    topic: str = ""
    summary: str | None = None
    answer: str | None = None
    riddle: str | None = None
    hints: tuple[str, ...] = ()
