"""The retrieval step: which pre-made examples this article's prompts will show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from chains.step import Step
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
        """Where the article comes among the examples most like it, by likeness to each riddle; 1 is first."""
        return await self._examples.aranks(task.article, riddles, among=_RIVALS, tenant=task.tenant, topic=task.topic)

    async def _work(self, task: RetrievalTask, _config: RunnableConfig) -> Selection:
        if task.spec is None or task.spec.k == 0:
            return Selection()
        return await self._examples.aselect(task.article, task.spec, tenant=task.tenant, topic=task.topic)


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
