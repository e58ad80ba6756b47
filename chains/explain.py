"""What a pipeline would do with an article, shown without a model call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chains.retrieve import RetrievalTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chains.fitting import Fitter
    from chains.models import ChatModels
    from chains.recipe import BoundStep, Recipe
    from chains.retrieve import RetrieveExamples
    from domain import Article, Example
    from retrievers import Considered, Selection

SUMMARY_PLACEHOLDER = "[the summary, written by the step before]"
"""Stands in a riddle prompt where the summary will be, since explaining makes no model call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedStep:
    """One step as it would be sent.

    Args:
        step: `summarize`, `riddle` or `summary_riddle`.
        prompt: `name@version`.
        model: `provider:model`.
        complete: Whether the messages are exactly those that would be sent; a riddle step waits for its summary.
        messages: (role, content) in order.
        tokens: Of the messages, counted as the model would where its tokenizer is known, else estimated.
        window: Tokens the model has for prompt and answer together.
        example_ids: Shown in this step, most similar last.
        note: What a reader should know, or empty.
    """

    step: str
    prompt: str
    model: str
    complete: bool
    messages: tuple[tuple[str, str], ...]
    tokens: int
    window: int
    example_ids: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What would be retrieved, what would be sent, and what would have to be left out.

    Args:
        pipeline: Its name.
        considered: Every example that was looked at, with its score and why it was kept or dropped.
        steps: In the order they would run.
        truncated: Sentences about examples dropped and articles condensed to fit a window; empty when all fits.
    """

    pipeline: str
    considered: tuple[Considered, ...]
    steps: tuple[ExplainedStep, ...]
    truncated: tuple[str, ...]


class Explainer:
    """Retrieves and renders as a run would."""

    def __init__(self, retrieve: RetrieveExamples, fitter: Fitter, models: ChatModels) -> None:
        self._retrieve = retrieve
        self._fitter = fitter
        self._models = models

    async def explain(
        self, recipe: Recipe, article: Article, *, tenant: str | None = None, topic: str | None = None
    ) -> Explanation:
        """Explain one article under one recipe."""
        task = RetrievalTask(article=article, spec=recipe.spec.retrieval, tenant=tenant, topic=topic)
        selection: Selection = await self._retrieve.ainvoke(task)
        examples = tuple(scored.example for scored in selection.examples)
        offered = {"title": article.title or "", "article": article.text, "summary": SUMMARY_PLACEHOLDER}
        steps, truncated = [], []
        for bound in recipe.steps:
            if bound.spec.step != "condense":
                step, notes = self._explain_step(bound, offered, examples)
                steps.append(step)
                truncated += notes
        return Explanation(
            pipeline=recipe.spec.name,
            considered=selection.considered,
            steps=tuple(steps),
            truncated=tuple(truncated),
        )

    def _explain_step(
        self, bound: BoundStep, offered: Mapping[str, str], examples: tuple[Example, ...]
    ) -> tuple[ExplainedStep, list[str]]:
        values, shown = bound.values(offered), bound.shown(examples)
        fit = self._fitter.fit(bound, values, shown)
        truncated = []
        if fit.dropped:
            truncated.append(f"{bound.spec.step}: {len(fit.dropped)} of {len(shown)} examples do not fit the window")
        if not fit.fits:
            truncated.append(f"{bound.spec.step}: the article is longer than the window; it will be condensed")
        texts = tuple((str(message.type), str(message.content)) for message in fit.messages)
        waits = "summary" in bound.prompt.variables
        return ExplainedStep(
            step=bound.spec.step,
            prompt=bound.prompt.ref,
            model=bound.spec.model,
            complete=not waits and fit.fits,
            messages=texts,
            tokens=sum(self._models.count_tokens(bound.spec.model, content) for _, content in texts),
            window=self._models.window(bound.spec.model),
            example_ids=tuple(example.id for example in fit.examples),
            note="the summary is not known before the model is called" if waits else "",
        ), truncated
