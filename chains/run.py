"""One run of a pipeline: the article goes through the steps of one recipe, and everything it took is added up."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from chains.condensing import CondenseTask
from chains.emitting import silent
from chains.gate import ArticleFacts, Gate
from chains.retrieve import RetrievalTask, selected_event
from chains.summarize import SummarizeTask
from chains.together import beside
from chains.write_riddle import RiddleTask
from domain import Check, Riddle, Timings, Usage
from domain.events import Completed, RiddleDone, SummaryDone

if TYPE_CHECKING:
    import asyncio

    from langchain_core.runnables import RunnableConfig

    from chains.condensing import Condense
    from chains.emitting import Emit
    from chains.recipe import BoundStep, Recipe
    from chains.retrieve import RetrieveExamples
    from chains.summarize import Summarize
    from chains.write_riddle import Riddled, WriteRiddle
    from domain import Article, Draft, Example, StepRecord
    from domain.events import PipelineEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The Runnables that every run of a pipeline uses."""

    retrieve: RetrieveExamples
    condense: Condense
    summarize: Summarize
    write: WriteRiddle


@dataclass(slots=True, kw_only=True)
class Run:
    """The state of one run; `riddle` takes it to the end.

    Examples are retrieved while steps that show none are at work.

    Args:
        article: As it came in; the gate compares with all of it, also when a step reads a condensed one.
        recipe: Read once at the start.
        steps: Shared by all runs.
        config: The LangChain config of the pipeline's own run, so that steps and model calls are its children.
        emit: Told every event.
    """

    article: Article
    recipe: Recipe
    steps: Steps
    config: RunnableConfig
    emit: Emit
    tenant: str | None = None
    topic: str | None = None
    _facts: ArticleFacts = field(init=False)
    _retrieval: asyncio.Task[tuple[Example, ...]] = field(init=False)
    _records: list[StepRecord] = field(default_factory=list)
    _checks: list[Check] = field(default_factory=list)
    _usage: Usage = field(default_factory=Usage)
    _timings_ms: dict[str, float] = field(default_factory=dict)

    async def riddle(self) -> Riddle:
        """Run all steps and put the outcome together."""
        started = time.perf_counter()
        gate, self._facts = Gate(self.recipe.spec.gate), ArticleFacts(self.article)
        async with beside(self._retrieve()) as self._retrieval:
            summary, riddled = await self._write_riddle(gate)
        if riddled is not None and riddled.draft is not None:
            await self.emit(RiddleDone(riddled.draft))
        self._timings_ms["total"] = _ms_since(started)
        riddle = self._put_together(summary, riddled)
        await self.emit(Completed(riddle))
        return riddle

    async def _retrieve(self) -> tuple[Example, ...]:
        started = time.perf_counter()
        selection = await self.steps.retrieve.ainvoke(self._retrieval_task, self.config)
        self._timings_ms["retrieve"] = _ms_since(started)
        await self.emit(selected_event(selection))
        return tuple(scored.example for scored in selection.examples)

    @property
    def _retrieval_task(self) -> RetrievalTask:
        return RetrievalTask(
            article=self.article, spec=self.recipe.spec.retrieval, tenant=self.tenant, topic=self.topic
        )

    async def _shown(self, step: BoundStep) -> tuple[Example, ...]:
        return step.shown(await self._retrieval) if step.shows_examples else ()

    async def _tell(self, event: PipelineEvent) -> None:
        """Emit what a step tells; callers hear of the examples before anything that is made."""
        await self._retrieval
        await self.emit(event)

    @property
    def _emit_of_steps(self) -> Emit:
        return silent if self.emit is silent else self._tell

    async def _write_riddle(self, gate: Gate) -> tuple[str | None, Riddled | None]:
        if self.recipe.step("summarize") is None:
            riddled = await self._riddle_in_one_step(gate)
            return riddled.draft.summary if riddled.draft else None, riddled
        summary = await self._summary(gate)
        return summary, None if summary is None else await self._riddle_of(summary, gate)

    async def _summary(self, gate: Gate) -> str | None:
        started = time.perf_counter()
        step = self.recipe.step("summarize")
        assert step is not None
        article = await self._condensed(step)
        task = SummarizeTask(article=article, facts=self._facts, step=step, examples=await self._shown(step), gate=gate)
        summarized = await self.steps.summarize.ainvoke(task, self.config, emit=self._emit_of_steps)
        self._records.append(summarized.record)
        self._usage += summarized.usage
        self._timings_ms["summarize"] = _ms_since(started)
        if summarized.summary is None:
            self._checks.append(Check(name="format", passed=False, score=0.0, detail="the model gave no summary"))
        else:
            await self._tell(SummaryDone(summarized.summary))
        return summarized.summary

    async def _riddle_of(self, summary: str, gate: Gate) -> Riddled:
        step = self.recipe.riddle_step()
        values = {"title": self.article.title or "", "article": self.article.text, "summary": summary}
        return await self._write(step, values, summary, gate)

    async def _riddle_in_one_step(self, gate: Gate) -> Riddled:
        step = self.recipe.riddle_step()
        article = await self._condensed(step)
        return await self._write(step, {"title": article.title or "", "article": article.text}, None, gate)

    async def _write(self, step: BoundStep, values: dict[str, str], summary: str | None, gate: Gate) -> Riddled:
        started = time.perf_counter()
        task = RiddleTask(
            facts=self._facts,
            values=step.values(values),
            summary=summary,
            step=step,
            examples=await self._shown(step),
            gate=gate,
            ranks=partial(self.steps.retrieve.ranks, self._retrieval_task),
        )
        riddled = await self.steps.write.ainvoke(task, self.config, emit=self._emit_of_steps)
        self._records.append(riddled.record)
        self._usage += riddled.usage
        self._timings_ms["riddle"] = _ms_since(started)
        return riddled

    async def _condensed(self, reader: BoundStep) -> Article:
        """The article, shortened by sections when the step that reads it could not read all of it."""
        task = CondenseTask(
            article=self.article,
            pipeline=self.recipe.spec.name,
            reader=reader,
            step=self.recipe.step("condense"),
        )
        short = await self.steps.condense.ainvoke(task, self.config)
        if short.record is not None and short.check is not None:
            self._records.append(short.record)
            self._checks.append(short.check)
        self._usage += short.usage
        return short.article

    def _put_together(self, summary: str | None, riddled: Riddled | None) -> Riddle:
        draft: Draft | None = riddled.draft if riddled else None
        return Riddle(
            article=self.article,
            status="published" if riddled is not None and riddled.passed else "needs_review",
            pipeline=self.recipe.spec.name,
            summary=summary,
            riddle=draft.riddle if draft else None,
            answer=draft.answer if draft else None,
            hints=draft.hints if draft else (),
            steps=tuple(self._records),
            checks=(*self._checks, *(riddled.checks if riddled else ())),
            attempts=riddled.attempts if riddled else 1,
            usage=self._usage,
            timings_ms=Timings(**self._timings_ms),
        )


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
