"""The retrieval step: which pre-made examples this article's prompts will show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from chains.models.journal import current_journal
from chains.step import Step
from domain.article import content_hash
from domain.events import ExamplesSelected, ShownExample
from retrievers import Selection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.runnables import RunnableConfig

    from domain import Article
    from prompts import RetrievalSpec
    from retrievers import Examples


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalTask:
    """What the step is asked: examples for this article, seen with the eyes of a tenant, perhaps of one topic."""

    article: Article
    spec: RetrievalSpec | None
    tenant: str | None = None
    topic: str | None = None


class RetrieveExamples(Step[RetrievalTask, Selection]):
    """Selects examples by similarity to the article; selects none when the pipeline retrieves nothing."""

    name = "retrieve"

    def __init__(self, examples: Examples) -> None:
        self._examples = examples

    async def ranks(self, task: RetrievalTask, riddles: Sequence[str]) -> list[int]:
        """Where the article comes among the examples most like it, by likeness to each riddle; 1 is first.

        Work that is done over is told what it was told before: a model is asked again with what its riddle lacked.
        """
        rank = partial(
            self._examples.aranks, task.article, riddles, among=_RIVALS, tenant=task.tenant, topic=task.topic
        )
        journal = current_journal()
        if journal is None:
            return await rank()
        return await journal.decided(content_hash("ranks", *riddles), rank, note=_ranks_noted, restore=_ranks_of)

    async def _work(self, task: RetrievalTask, _config: RunnableConfig) -> Selection:
        spec = task.spec
        if spec is None or spec.k == 0:
            return Selection()
        select = partial(self._examples.aselect, task.article, spec, tenant=task.tenant, topic=task.topic)
        journal = current_journal()
        if journal is None:
            return await select()

        async def restore(noted: list[dict[str, Any]]) -> Selection | None:
            chosen = [(note["example"], note["score"]) for note in noted]
            return await self._examples.arecall(chosen, tenant=task.tenant, topic=task.topic)

        key = content_hash("selection", repr(spec), repr(task.topic))
        return await journal.decided(key, select, note=_selection_noted, restore=restore)


def _selection_noted(selection: Selection) -> list[dict[str, Any]]:
    """By their content, so that an example which was edited or removed meanwhile is not shown as it was."""
    return [{"example": scored.example.content_hash, "score": scored.score} for scored in selection.examples]


def _ranks_noted(ranks: Sequence[int]) -> list[dict[str, Any]]:
    return [{"rank": rank} for rank in ranks]


async def _ranks_of(noted: Sequence[dict[str, Any]]) -> list[int]:
    return [note["rank"] for note in noted]


def selected_event(selection: Selection) -> ExamplesSelected:
    """What callers are told of a selection."""
    return ExamplesSelected(
        tuple(
            ShownExample(
                id=scored.example.id,
                topic=scored.example.topic,
                headline=scored.example.headline,
                score=round(scored.score, 4),
            )
            for scored in selection.examples
        )
    )


_RIVALS: Final = 9
"""Other stories that a riddle must tell its own from; with it they are ten."""
