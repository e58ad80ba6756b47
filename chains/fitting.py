"""Makes a prompt fit its model's window: examples go first, whole; only then is the article condensed.

The window of a step is what the model reads less what it is to write and a margin for the chat template. Text is
counted only when it could be too long: a tokenizer never makes more tokens than the text has UTF-8 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from chains.models import ChatModels
    from chains.recipe import BoundStep
    from domain import Example

TEMPLATE_TOKENS_PER_MESSAGE = 8
"""What chat templates add around a message (ChatML: 5); generous, since the templates of remote models are not known."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a step's prompt fits.

    Args:
        examples: Those that stay, most similar last.
        dropped: Those that had to go.
        text_tokens: Tokens the article (or summary) may have; None when it fits as it is.
        tokens: Estimated tokens of the whole prompt with the examples that stay.
        messages: The rendered prompt; empty when the text has to be condensed first.
    """

    examples: tuple[Example, ...]
    dropped: tuple[Example, ...]
    text_tokens: int | None
    tokens: int
    messages: tuple[BaseMessage, ...] = ()


class Fitter:
    """Counts prompts and drops examples until they fit; remembers what each example costs."""

    def __init__(self, models: ChatModels) -> None:
        self._models = models
        self._shot_tokens: dict[tuple[str, str, str], int] = {}

    def fit(
        self,
        step: BoundStep,
        values: Mapping[str, str],
        examples: Sequence[Example],
        *,
        reasons: Sequence[str] = (),
    ) -> Fit:
        """Choose the examples that leave room for all of `values`.

        Args:
            step: The step with its prompt and model.
            values: The prompt's variables.
            examples: Most similar last.
            reasons: Why the attempt before failed, as the prompt will show them.
        """
        room = self._models.window(step.spec.model) - step.spec.settings.max_tokens
        messages = step.prompt.render(values, examples, reasons)
        most = _bytes(messages) + _template_tokens(messages)
        if most <= room:
            return Fit(tuple(examples), (), None, most, tuple(messages))
        return self._fit_counted(step, values, examples, reasons, room)

    def _fit_counted(
        self,
        step: BoundStep,
        values: Mapping[str, str],
        examples: Sequence[Example],
        reasons: Sequence[str],
        room: int,
    ) -> Fit:
        overhead = self._count(step, dict.fromkeys(values, ""), (), reasons)
        longest = max(values.values(), key=len, default="")
        if len(longest) > room * _CHARS_PER_TOKEN_AT_MOST:
            return Fit((), tuple(examples), max(room - overhead, 0), len(longest) // _CHARS_PER_TOKEN_AT_MOST)
        base = self._count(step, values, (), reasons)
        if base > room:
            text = self._models.count_tokens(step.spec.model, longest)
            return Fit((), tuple(examples), max(room - (base - text), 0), base)
        shot_room = min(room - base, int((room - overhead) * step.shot_token_share))
        kept, total = self._pack(step, values, examples, base + shot_room, base)
        dropped = tuple(examples[: len(examples) - len(kept)])
        return Fit(kept, dropped, None, total, tuple(step.prompt.render(values, kept, reasons)))

    def _pack(
        self, step: BoundStep, values: Mapping[str, str], examples: Sequence[Example], room: int, base: int
    ) -> tuple[tuple[Example, ...], int]:
        kept: list[Example] = []
        total = base
        for example in reversed(examples):
            cost = self._shot_cost(step, values, example)
            if total + cost > room:
                break
            kept.append(example)
            total += cost
        kept.reverse()
        return tuple(kept), total

    def _shot_cost(self, step: BoundStep, values: Mapping[str, str], example: Example) -> int:
        key = (step.spec.model, step.prompt.content_hash, example.content_hash)
        cost = self._shot_tokens.get(key)
        if cost is None:
            blank = dict.fromkeys(values, "-")
            cost = self._count(step, blank, (example,)) - self._count(step, blank, ())
            if len(self._shot_tokens) >= _REMEMBERED:
                self._shot_tokens.clear()
            self._shot_tokens[key] = cost
        return cost

    def _count(
        self,
        step: BoundStep,
        values: Mapping[str, str],
        examples: Sequence[Example],
        reasons: Sequence[str] = (),
    ) -> int:
        messages = step.prompt.render(values, examples, reasons)
        counted = sum(self._models.count_tokens(step.spec.model, str(message.content)) for message in messages)
        return counted + _template_tokens(messages)


_REMEMBERED = 10_000
_CHARS_PER_TOKEN_AT_MOST = 32
"""No text of a language averages more; longer texts are not even counted, they are condensed."""


def _bytes(messages: Sequence[BaseMessage]) -> int:
    return sum(len(str(message.content).encode()) for message in messages)


def _template_tokens(messages: Sequence[BaseMessage]) -> int:
    return TEMPLATE_TOKENS_PER_MESSAGE * (len(messages) + 1)
