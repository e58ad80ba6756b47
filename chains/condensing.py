"""The condense step: an article that its reader could not read whole is shortened by the pipeline's own model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from chains.condense import Condenser
from chains.sections import LEAST_LIMIT
from chains.step import Step
from chains.step_record import step_record
from domain import Usage
from domain.errors import ConfigurationError

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

    from chains.fitting import Fitter
    from chains.models import ChatModels, Completion
    from chains.recipe import BoundStep
    from domain import Article, Check, StepRecord


class WindowTooSmall(ConfigurationError):
    """A prompt leaves its model no room for an article."""

    def __init__(self, step: BoundStep, tokens: int) -> None:
        super().__init__(
            f"prompt {step.prompt.ref!r} leaves {tokens} tokens of {step.spec.model!r} for an article: "
            "shorten the prompt, lower max_tokens, or name a model with a larger window"
        )


class NoCondenseStep(ConfigurationError):
    """An article is too long and the pipeline has no step that shortens it."""

    def __init__(self, pipeline: str) -> None:
        super().__init__(
            f"the article is longer than the model of pipeline {pipeline!r} reads, "
            "and the pipeline has no 'condense' step: add one"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CondenseTask:
    """What the step is asked.

    Args:
        article: As it came in.
        pipeline: Its name, for errors.
        reader: The step that will read the article.
        step: The step that shortens, if the pipeline has one.
    """

    article: Article
    pipeline: str
    reader: BoundStep
    step: BoundStep | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortened:
    """The article as the next step reads it; `check` says what was done, None when nothing was."""

    article: Article
    check: Check | None = None
    record: StepRecord | None = None
    usage: Usage = field(default_factory=Usage)


class Condense(Step[CondenseTask, Shortened]):
    """Leaves an article as it is when its reader can read all of it, and shortens it by sections when not."""

    name = "condense"

    def __init__(self, models: ChatModels, fitter: Fitter) -> None:
        self._models = models
        self._fitter = fitter

    async def ainvoke(
        self,
        input: CondenseTask,  # noqa: A002 -- LangChain's name
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Shortened:
        """Shorten the article if need be; one that fits costs nothing and makes no run of its own."""
        room = self._fitter.room_for_article(input.reader, input.article)
        if room is None:
            return Shortened(article=input.article)
        if input.step is None:
            raise NoCondenseStep(input.pipeline)
        if room < LEAST_LIMIT:
            raise WindowTooSmall(input.reader, room)
        return await super().ainvoke(input, config, room=room, **kwargs)

    async def _work(self, task: CondenseTask, config: RunnableConfig, room: int) -> Shortened:
        step, title = task.step, task.article.title or ""
        assert step is not None
        answers: list[Completion] = []

        async def summarize(section: str) -> str:
            messages = step.prompt.render(step.values({"title": title, "section": section}))
            completion = await self._models.complete(step.spec, messages, config=config)
            answers.append(completion)
            return completion.text

        section_room = self._fitter.room(step, step.values({"title": title, "section": ""}))
        if section_room < 2 * LEAST_LIMIT:
            raise WindowTooSmall(step, section_room)
        condenser = Condenser(
            summarize=summarize,
            count=lambda text: self._models.count_tokens(task.reader.spec.model, text),
            section_tokens=section_room,
            target_tokens=room,
        )
        condensed = await condenser.condense(task.article.text)
        return Shortened(
            article=replace(task.article, text=condensed.text),
            check=condensed.check,
            record=step_record(step, answers[-1].model, cached=all(answer.cached for answer in answers)),
            usage=sum((answer.usage for answer in answers), Usage()),
        )
