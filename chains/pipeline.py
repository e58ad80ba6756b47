"""The pipeline: an article in, a riddle out. Retrieve, summarise, riddle, gate, as one LangChain Runnable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from chains.condensing import Condense
from chains.emitting import silent
from chains.explain import Explainer
from chains.fitting import Fitter
from chains.inputs import as_article
from chains.models.scope import in_run
from chains.recipe import Recipe
from chains.retrieve import RetrieveExamples
from chains.run import Run, Steps
from chains.step import Step
from chains.summarize import Summarize
from chains.write_riddle import WriteRiddle
from domain import Article, Riddle

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

    from chains.emitting import Emit
    from chains.explain import Explanation
    from chains.models import ChatModels
    from domain.events import PipelineEvent
    from prompts import Catalog
    from retrievers import Examples

PipelineInput = Article | Mapping[str, Any] | str


class RiddlePipeline(Step[PipelineInput, Riddle]):
    """A named pipeline, ready to run. Files are read for every article, so edits count from the next one on.

    It is a Runnable: `invoke`, `ainvoke`, `abatch`, `astream_events`, callbacks and `|` work as in all of LangChain.
    The input is an Article, its fields as a dict, or its text. `ainvoke` also takes `tenant` and `topic`, which narrow
    the examples, `seed`, which goes before the seeds of the steps, and `emit`, a coroutine that is given every event.
    `events` gives the same run as typed events, `explain` shows what would be sent without sending it.

    Args:
        pipeline: Its name.
        catalog: Where its files are looked up.
        examples: Where its examples are retrieved.
        models: What answers its steps.

    Raises:
        InvalidArticle: The article cannot be used.
        NotFound: There is no pipeline of that name (any more), or it names a prompt that is not there.
        ConfigurationError: A model cannot be loaded.
        ProviderError: The model's provider failed after retries and fallbacks.
    """

    def __init__(self, pipeline: str, *, catalog: Catalog, examples: Examples, models: ChatModels) -> None:
        self.name: str = pipeline
        self._catalog = catalog
        fitter = Fitter(models)
        self._steps = Steps(
            retrieve=RetrieveExamples(examples),
            condense=Condense(models, fitter),
            summarize=Summarize(models, fitter),
            write=WriteRiddle(models, fitter),
        )
        self._explainer = Explainer(self._steps.retrieve, fitter, models)

    def recipe(self) -> Recipe:
        """The pipeline's files as they stand now."""
        return Recipe.read(self._catalog, self.name)

    async def events(
        self,
        article: PipelineInput,
        *,
        config: RunnableConfig | None = None,
        tenant: str | None = None,
        topic: str | None = None,
    ) -> AsyncIterator[PipelineEvent]:
        """Run and yield what happens as it happens; `Completed` comes last. Closing the iterator cancels the run."""
        queue: asyncio.Queue[PipelineEvent | None] = asyncio.Queue()
        run = asyncio.create_task(self.ainvoke(article, config, tenant=tenant, topic=topic, emit=queue.put))
        run.add_done_callback(lambda _done: queue.put_nowait(None))
        try:
            while (event := await queue.get()) is not None:
                yield event
            await run
        finally:
            run.cancel()

    async def explain(
        self, article: PipelineInput, *, tenant: str | None = None, topic: str | None = None
    ) -> Explanation:
        """What would be retrieved and sent, without a model call."""
        return await self._explainer.explain(self.recipe(), as_article(article), tenant=tenant, topic=topic)

    async def _work(
        self,
        task: PipelineInput,
        config: RunnableConfig,
        emit: Emit = silent,
        tenant: str | None = None,
        topic: str | None = None,
        seed: int | None = None,
    ) -> Riddle:
        recipe = self.recipe()
        run = Run(
            article=as_article(task),
            recipe=recipe if seed is None else recipe.seeded(seed),
            steps=self._steps,
            config=config,
            emit=emit,
            tenant=tenant,
            topic=topic,
        )
        with in_run(self.name, caches=recipe.spec.cache):
            return await run.riddle()
