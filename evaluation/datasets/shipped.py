"""The datasets that come with the package: its pre-made examples, split by hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain import Article
from evaluation.case import Case
from evaluation.datasets.dataset import Dataset, case_id
from retrievers.shipped import read_shipped
from retrievers.splits import split_of

if TYPE_CHECKING:
    from domain import Example
    from retrievers.splits import Split


def shipped_dataset(split: Split) -> Dataset:
    """The shipped examples of one side of the split, as cases with references.

    `dev` is what to measure with: no training has seen it. `train` is for experiments about the examples themselves.
    """
    return Dataset.of(split, (case_of(example) for example in read_shipped() if split_of(example) == split))


def case_of(example: Example) -> Case:
    """An example as a case: its article is what pipelines are given, the rest is the reference."""
    article = Article(text=example.article, title=example.headline or None)
    return Case(
        id=case_id(article),
        article=article,
        topic=example.topic,
        summary=example.summary,
        answer=example.answer,
        riddle=example.riddle,
        hints=example.hints,
    )
