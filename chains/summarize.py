"""The summarise step: an article and its examples' (article, summary) pairs in, one or two sentences out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chains.emitting import deltas_to, silent
from chains.step import Step
from chains.step_record import step_record
from domain import Usage
from domain.events import Retry, SummaryDelta

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

    from chains.emitting import Emit
    from chains.fitting import Fitter
    from chains.gate import ArticleFacts, Gate
    from chains.models import ChatModels, Completion
    from chains.recipe import BoundStep
    from domain import Article, Example, StepRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarizeTask:
    """What the step is asked.

    Args:
        article: What the prompt shows; it already fits the model's window (see `chains.condensing`).
        facts: Of the whole article, which the summary must be true to.
        step: `summarize`.
        examples: Most similar last.
        gate: Says what is wrong with a summary, and how often a model may try.
    """

    article: Article
    facts: ArticleFacts
    step: BoundStep
    examples: tuple[Example, ...]
    gate: Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Summarized:
    """The summary, None when no attempt gave one, and what it took."""

    summary: str | None
    record: StepRecord
    usage: Usage


class Summarize(Step[SummarizeTask, Summarized]):
    """Asks for a summary; asks again, with the reason, when it is blank or names what the article does not."""

    name = "summarize"

    def __init__(self, models: ChatModels, fitter: Fitter) -> None:
        self._models = models
        self._fitter = fitter

    async def _work(self, task: SummarizeTask, config: RunnableConfig, emit: Emit = silent) -> Summarized:
        values = task.step.values({"title": task.article.title or "", "article": task.article.text})
        best = _Attempt(None, ("no summary",), "", cached=False)
        reasons: tuple[str, ...] = ()
        usage, shown = Usage(), task.examples
        for number in range(1, task.gate.attempts + 1):
            fit = self._fitter.fit(task.step, values, task.examples, reasons=reasons)
            completion = await self._models.complete(
                task.step.spec, fit.messages, config=config, on_delta=deltas_to(emit, SummaryDelta)
            )
            usage += completion.usage
            attempt = self._judge(task, clean_summary(completion.text), completion)
            if best.summary is None or len(attempt.reasons) < len(best.reasons):
                best, shown = attempt, fit.examples
            if not attempt.reasons:
                break
            if number < task.gate.attempts:
                reasons = attempt.reasons
                await emit(Retry(step="summarize", attempt=number, reasons=reasons))
        record = step_record(task.step, best.model, shown, cached=best.cached)
        return Summarized(summary=best.summary, record=record, usage=usage)

    def _judge(self, task: SummarizeTask, summary: str, completion: Completion) -> _Attempt:
        if not summary:
            return _Attempt(None, ("The summary is empty.",), completion.model, cached=completion.cached)
        reasons = task.gate.summary_reasons(summary, article=task.facts)
        return _Attempt(summary, reasons, completion.model, cached=completion.cached)


@dataclass(frozen=True, slots=True)
class _Attempt:
    summary: str | None
    reasons: tuple[str, ...]
    model: str
    cached: bool


_LABEL = re.compile(r"^\s*(?:\*\*)?summary(?:\*\*)?\s*:\s*(?:\*\*)?\s*", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_LAST_SENTENCE = re.compile(r"^.*[.!?][\"'”’)]?(?=\s)", re.DOTALL)  # noqa: RUF001 -- typographic quotes
_LONGEST_SUMMARY = 4_000


def clean_summary(text: str) -> str:
    """The model's words without a leading label, on one line, cut after the last whole sentence.

    Nothing is rewritten. Text without any full stop stays as it is.
    """
    line = _SPACE.sub(" ", _LABEL.sub("", text[:_LONGEST_SUMMARY])).strip()
    if line.endswith((".", "!", "?", '"', "”", "’", "'", ")")):  # noqa: RUF001 -- typographic quotes
        return line
    whole = _LAST_SENTENCE.match(line)
    return whole.group(0) if whole else line
