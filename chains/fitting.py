"""Makes a prompt fit its model's window: examples go first, whole; only then is the article condensed.

The room of a step is its model's window less what the model is to write. Text is counted only when it could be too
long: no tokenizer makes more tokens of a text than it has UTF-8 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chains.budget import TokenBudget, fit_examples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from chains.models import ChatModels
    from chains.recipe import BoundStep
    from domain import Article, Example

TEMPLATE_TOKENS_PER_MESSAGE = 8
"""What chat templates add around a message (ChatML: 5); generous, since the templates of remote models are unknown."""

_CHARS_PER_TOKEN_AT_MOST = 32
"""No text of a language averages more; longer texts are not even counted."""

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Fit:
    """How a step's prompt fits.

    Args:
        examples: Those that stay, most similar last.
        dropped: Those that had to go.
        messages: The rendered prompt with the examples that stay.
        fits: False when the values alone are too long for the window.
    """

    examples: tuple[Example, ...]
    dropped: tuple[Example, ...]
    messages: tuple[BaseMessage, ...]
    fits: bool


class Fitter:
    """Counts prompts and drops examples until they fit; remembers what each example costs."""

    def __init__(self, models: ChatModels) -> None:
        self._models = models
        self._shot_tokens: dict[tuple[str, str, str], int] = {}
        self._overheads: dict[tuple[str, str], int] = {}

    def fit(
        self,
        step: BoundStep,
        values: Mapping[str, str],
        examples: tuple[Example, ...],
        *,
        reasons: Sequence[str] = (),
    ) -> Fit:
        """Choose the examples that leave room for all of `values`, and render the prompt with them.

        Args:
            step: The step with its prompt and model.
            values: The prompt's variables.
            examples: Most similar last.
            reasons: Why the attempt before failed, as the prompt will show them.
        """
        messages = step.prompt.render(values, examples, reasons)
        window = self._window(step)
        if _most_tokens(messages) <= window.room:
            return Fit(examples, (), tuple(messages), fits=True)
        alone = step.prompt.render(values, (), reasons)
        needed = self._count(step, alone, most=window.room)
        share = int(window.after(self._overhead(step, values)).room * step.shot_token_share)
        left = min(window.after(needed).room, share)
        kept = fit_examples(examples, lambda each: self._shot_cost(step, values, each), TokenBudget(window=left))
        dropped = examples[: len(examples) - len(kept)]
        return Fit(kept, dropped, tuple(step.prompt.render(values, kept, reasons)), fits=needed <= window.room)

    def room_for_article(self, step: BoundStep, article: Article) -> int | None:
        """Tokens an article's text may have when `step` cannot read all of it; None when it can."""
        values = step.values({"title": article.title or "", "article": article.text, "summary": ""})
        if "article" not in values or self._surely_fits(step, values):
            return None
        messages = step.prompt.render(values, ())
        room = self._window(step).room
        if _most_tokens(messages) <= room or self._count(step, messages, most=room) <= room:
            return None
        return self.room(step, values | {"article": ""})

    def room(self, step: BoundStep, values: Mapping[str, str]) -> int:
        """Tokens that stay free in a step's window when its prompt is rendered without examples."""
        overhead = self._count(step, step.prompt.render(values, ()))
        return self._window(step).after(overhead).room

    def _surely_fits(self, step: BoundStep, values: Mapping[str, str]) -> bool:
        """Whether the values fit even if each of their bytes were two tokens (fencing may lengthen a text)."""
        given = sum(len(value.encode()) for value in values.values())
        return self._overhead(step, values) + 2 * given <= self._window(step).room

    def _window(self, step: BoundStep) -> TokenBudget:
        return TokenBudget(window=self._models.window(step.spec.model), reserved_output=step.spec.settings.max_tokens)

    def _overhead(self, step: BoundStep, values: Mapping[str, str]) -> int:
        """Tokens of the prompt without values and examples; remembered, for it depends on the file alone."""
        key = (step.spec.model, step.prompt.content_hash)
        overhead = self._overheads.get(key)
        if overhead is None:
            overhead = self._count(step, step.prompt.render(dict.fromkeys(values, ""), ()))
            self._overheads[key] = overhead
        return overhead

    def _shot_cost(self, step: BoundStep, values: Mapping[str, str], example: Example) -> int:
        key = (step.spec.model, step.prompt.content_hash, example.content_hash)
        cost = self._shot_tokens.get(key)
        if cost is None:
            blank = dict.fromkeys(values, "-")
            shown = self._count(step, step.prompt.render(blank, (example,)))
            cost = shown - self._count(step, step.prompt.render(blank, ()))
            if len(self._shot_tokens) >= _REMEMBERED:
                self._shot_tokens.clear()
            self._shot_tokens[key] = cost
        return cost

    def _count(self, step: BoundStep, messages: Sequence[BaseMessage], *, most: int | None = None) -> int:
        """Tokens of messages; those far longer than `most` are not counted but estimated from below."""
        texts = [str(message.content) for message in messages]
        chars = sum(map(len, texts))
        if most is not None and chars > most * _CHARS_PER_TOKEN_AT_MOST:
            return chars // _CHARS_PER_TOKEN_AT_MOST
        counted = sum(self._models.count_tokens(step.spec.model, text) for text in texts)
        return counted + TEMPLATE_TOKENS_PER_MESSAGE * (len(messages) + 1)


def _most_tokens(messages: Sequence[BaseMessage]) -> int:
    text = sum(len(str(message.content).encode()) for message in messages)
    return text + TEMPLATE_TOKENS_PER_MESSAGE * (len(messages) + 1)
