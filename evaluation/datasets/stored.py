"""Cases from what the service has stored: real articles, without references."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domain.article import content_hash
from evaluation.case import Case
from evaluation.datasets.dataset import Dataset, case_id
from evaluation.errors import InvalidDataset

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain import Article

DEFAULT_SIZE = 50
"""Cases of `stored` without a number."""

_STORED = re.compile(r"stored(?::(\d{1,6}))?")


def stored_size(name: str) -> int | None:
    """How many cases `stored` or `stored:N` asks for; None when the name is another dataset's.

    Raises:
        InvalidDataset: N is 0.
    """
    match = _STORED.fullmatch(name)
    if match is None:
        return None
    size = int(match[1] or DEFAULT_SIZE)
    if size == 0:
        raise InvalidDataset(name, None, "asks for no case")
    return size


def stored_dataset(name: str, articles: Iterable[Article], size: int) -> Dataset:
    """A sample of stored articles: by the hash of their ids, so that asking again gives the same while none is added.

    Raises:
        InvalidDataset: There is none.
    """
    cases = {case_id(article): article for article in articles}
    if not cases:
        raise InvalidDataset(name, None, "is empty: the service has not stored any article yet")
    chosen = sorted(cases, key=lambda each: content_hash("stored", each))[:size]
    return Dataset.of(name, (Case(id=each, article=cases[each]) for each in sorted(chosen)))
