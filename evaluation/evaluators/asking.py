"""How evaluators ask a chat model: untrusted text stands in fences, and only an answer of the demanded form counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from langchain_core.messages import HumanMessage, SystemMessage

from domain.errors import ProviderError
from prompts import ModelCallSpec, StepSpec, fence
from prompts.fence import DEFAULT_TAGS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_core.messages import BaseMessage

    from chains.models import ChatModels
    from domain import Usage
    from evaluation.outcome import Outcome

TAGS: Final = DEFAULT_TAGS | {"story", "first", "second"}
"""Tags that fence untrusted text in evaluators' prompts."""

_LONGEST_QUOTED: Final = 40


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said, or why nothing of use came; one of the two is empty."""

    text: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """A chat model that evaluators ask.

    Args:
        models: Opens it.
        model: `provider:model`. Choose another family than the pipelines': models favour their own texts (A.
            Panickssery et al., "LLM Evaluators Recognize and Favor Their Own Generations", NeurIPS 2024).
        settings: How it is called. Reasoning models need more `max_tokens` and `temperature=None`.
        on_usage: Told what each answered call used and cost.
    """

    models: ChatModels
    model: str
    settings: ModelCallSpec = field(default_factory=lambda: ModelCallSpec(max_tokens=16, temperature=0.0, seed=0))
    on_usage: Callable[[Usage], None] | None = None

    async def ask(self, messages: list[BaseMessage]) -> Answer:
        """The model's answer, stripped.

        A provider's failure is a reason, because one story must not end an experiment.

        Raises:
            ConfigurationError: The model cannot be opened.
        """
        step = StepSpec(step="riddle", prompt="", model=self.model, settings=self.settings)
        try:
            completion = await self.models.complete(step, messages)
        except ProviderError as error:
            return Answer(reason=str(error))
        if self.on_usage is not None:
            self.on_usage(completion.usage)
        text = completion.text.strip()
        return Answer(text=text) if text else Answer(reason="the model's answer is empty")

    def warning(self, *outcomes: Outcome) -> str:
        """That this model judges its own work; empty when it does not."""
        writers = {step.model for outcome in outcomes if outcome.riddle for step in outcome.riddle.steps}
        return f"{self.model} judges what it wrote itself" if self.model in writers else ""


def messages_of(system: str, template: str, values: Mapping[str, str]) -> list[BaseMessage]:
    """A system and a human message; every value is fenced and inserted once, as it is.

    Args:
        system: Instructions.
        template: The human message, with `{name}` for values.
        values: Untrusted text.
    """
    fenced = {name: fence(value, TAGS) for name, value in values.items()}
    return [SystemMessage(system), HumanMessage(template.format_map(fenced))]


def not_understood(answer: str) -> str:
    """Why an answer gives no score; quotes its beginning without marks or line breaks."""
    shown = " ".join(fence(answer[:_LONGEST_QUOTED], TAGS).split())
    return f"the model's answer is not of the form asked for: {shown!r}"
