"""Which examples an experiment may show: the user's own, without the dev split and without the cases themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.article import content_hash
from evaluation.datasets.dataset import normal_form
from evaluation.manifest import PoolRecord
from retrievers.importing import free_id
from retrievers.shipped import read_shipped
from retrievers.splits import split_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domain import Example
    from evaluation.case import Case
    from retrievers import Examples

_RUN_WORDS = 5
_SAME_SHARE = 0.5
"""Share of an example's runs of five words that stand in one case's article, from which on it is that article."""


@dataclass(frozen=True, slots=True)
class AllowedExamples:
    """What retrieval may show, and how many examples it may not."""

    examples: tuple[Example, ...]
    excluded: int

    def record(self, embeddings: str) -> PoolRecord:
        """For the manifest."""
        return PoolRecord(
            embeddings=embeddings,
            hash=content_hash(*sorted(example.content_hash for example in self.examples)),
            example_ids=tuple(sorted(example.id for example in self.examples)),
            excluded=self.excluded,
        )


def allowed_examples(stored: Iterable[Example], cases: Sequence[Case]) -> AllowedExamples:
    """Leave out what would give an answer away.

    An example is left out when it is of the dev split (whatever the dataset), when it is a shipped example of the dev
    split that somebody edited, and when its article is that of a case, word for word or for the most part.

    Args:
        stored: All there is, with ids.
        cases: Of the experiment.
    """
    everything = list(stored)
    kept_aside = {free_id(example.content_hash) for example in read_shipped() if split_of(example) == "dev"}
    twins = _Twins(cases)
    allowed = tuple(
        example
        for example in everything
        if split_of(example) != "dev" and example.id not in kept_aside and not twins.has(example)
    )
    return AllowedExamples(allowed, len(everything) - len(allowed))


def open_pool(allowed: Iterable[Example], embeddings: str) -> Examples:
    """A store and index in memory that hold these examples and no other; close it.

    Raises:
        ConfigurationError: There is no such embedding model.
        ProviderError: The embedding's provider failed.
    """
    from retrievers.examples import open_examples

    examples = open_examples(embeddings=embeddings, seed=False)
    try:
        examples.import_(allowed)
    except BaseException:
        examples.close()
        raise
    return examples


class _Twins:
    """Finds the articles of cases again, by the runs of words they share."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._bodies = {normal_form(case.article.text) for case in cases}
        self._cases_by_run: dict[str, set[str]] = {}
        for case in cases:
            for run in _runs(case.article.text):
                self._cases_by_run.setdefault(run, set()).add(case.id)

    def has(self, example: Example) -> bool:
        if normal_form(example.article) in self._bodies:
            return True
        runs = _runs(example.article)
        shared: dict[str, int] = {}
        for run in runs:
            for case_id in self._cases_by_run.get(run, ()):
                shared[case_id] = shared.get(case_id, 0) + 1
        return bool(runs) and max(shared.values(), default=0) >= _SAME_SHARE * len(runs)


def _runs(text: str) -> set[str]:
    words = "".join(char if char.isalnum() else " " for char in text.casefold()).split()
    return {" ".join(words[start : start + _RUN_WORDS]) for start in range(len(words) - _RUN_WORDS + 1)}
