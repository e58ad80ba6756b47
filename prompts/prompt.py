"""The prompt: one version of one file, ready to be rendered into messages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

from prompts.errors import VariablesMismatch
from prompts.fence import DEFAULT_TAGS, fence, tags_in
from prompts.template import variables_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from domain.example import Example

Role = Literal["system", "human", "ai"]
Format = Literal["chat", "completion"]
Source = Literal["builtin", "user"]

EXAMPLE_FIELDS = (
    "example_n",
    "example_headline",
    "example_article",
    "example_summary",
    "example_answer",
    "example_riddle",
    "example_hints",
)
"""What the messages of an `examples:` block may use. `example_n` counts from 1; `example_hints` is one labelled line
(`Hint: ...`) for each hint."""

AUTOMATIC = ("n",)
"""Variables that every prompt may use undeclared: `n` is the number after the last example's."""

_CACHED_EXAMPLES = 1024
_MESSAGE: dict[Role, type[BaseMessage]] = {"system": SystemMessage, "human": HumanMessage, "ai": AIMessage}


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """One message of a prompt file: a LangChain f-string template and who says it. Completions have only `human`."""

    role: Role
    content: str


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """One version of a prompt.

    Args:
        name: Lower-case words joined by hyphens.
        version: Grows with every change that reaches a model.
        description: What it is for.
        format: `chat` renders to messages, `completion` to one `HumanMessage` that holds the whole text.
        variables: What `render` must be given, exactly.
        before: Messages up to where the examples go; all of them where there is no place for examples.
        examples: The messages of one example; None where the prompt shows none.
        after: Messages after the examples.
        retry: What is added when an earlier attempt was refused; may be empty.
        draft: Whether the file may still change under this version.
        content_hash: SHA-256 of all that reaches a model, so of neither description nor layout of the file.
        source: Whether it came with the package or is the user's own.
        path: The file.
    """

    name: str
    version: int
    description: str
    format: Format
    variables: tuple[str, ...]
    before: tuple[MessageTemplate, ...]
    examples: tuple[MessageTemplate, ...] | None
    after: tuple[MessageTemplate, ...]
    retry: tuple[MessageTemplate, ...]
    content_hash: str
    source: Source
    path: Path
    draft: bool = False

    @property
    def ref(self) -> str:
        """`name@version`, as provenance names it; a draft's has eight digits of its hash: `riddle@2-draft.1a2b3c4d`."""
        return f"{self.name}@{self.version}" + (f"-draft.{self.content_hash[:8]}" if self.draft else "")

    @property
    def shows_examples(self) -> bool:
        """Whether the prompt has a place for examples; without one `render` leaves them out."""
        return self.examples is not None

    @cached_property
    def template(self) -> ChatPromptTemplate:
        """The LangChain template, for chains of your own.

        A chat prompt takes its examples as messages under `examples` (a `MessagesPlaceholder`), a completion takes
        them there as one text. Values are not fenced here: that is `render`'s work, see `prompts.fence.fence`.
        """
        if self.format == "completion":
            place = "{examples}" if self.shows_examples else ""
            text = _joined(self.before) + place + _joined(self.after)
            return ChatPromptTemplate([("human", text)])
        place_holder = [MessagesPlaceholder("examples")] if self.shows_examples else []
        return ChatPromptTemplate([*_pairs(self.before), *place_holder, *_pairs(self.after)])

    def render(
        self, values: Mapping[str, str], examples: Sequence[Example] = (), retry_reasons: Sequence[str] = ()
    ) -> list[BaseMessage]:
        """The messages for a model. Every value, example and reason is fenced and inserted once, as it is.

        Args:
            values: Exactly the declared variables.
            examples: In the order shown; left out where the prompt has no place for them.
            retry_reasons: Why earlier attempts were refused. They come last, so that what an engine cached of the
                prompt stays good; a prompt without a `retry` block leaves them out.

        Raises:
            VariablesMismatch: A declared variable is missing or an undeclared one was given.
        """
        self._check(values)
        shown = examples if self.shows_examples else ()
        fenced = {name: fence(value, self._tags) for name, value in values.items()}
        fenced["n"] = str(len(shown) + 1)
        rendered = [self._rendered_example(example, n) for n, example in enumerate(shown, start=1)]
        if self.format == "completion":
            return self._completion(fenced, rendered, retry_reasons)
        messages = _messages(self.before, fenced)
        for each in rendered:
            messages += each
        messages += _messages(self.after, fenced)
        return _append(messages, self._retry(fenced, retry_reasons))

    def _check(self, values: Mapping[str, str]) -> None:
        if values.keys() != self._declared:
            given = set(values)
            raise VariablesMismatch(self.ref, missing=self._declared - given, extra=given - self._declared)

    @cached_property
    def _declared(self) -> frozenset[str]:
        return frozenset(self.variables)

    @cached_property
    def _tags(self) -> frozenset[str]:
        parts = (*self.before, *(self.examples or ()), *self.after, *self.retry)
        return DEFAULT_TAGS.union(*(tags_in(part.content) for part in parts))

    @cached_property
    def _rendered_example(self) -> Callable[[Example, int], tuple[BaseMessage, ...]]:
        parts = self.examples or ()
        numbered = any("example_n" in variables_of(part.content) for part in parts)

        @lru_cache(maxsize=_CACHED_EXAMPLES)
        def render(example: Example, n: int) -> tuple[BaseMessage, ...]:
            return tuple(_messages(parts, _fields(example, n, self._tags)))

        return render if numbered else lambda example, _: render(example, 0)

    def _retry(self, fenced: Mapping[str, str], reasons: Sequence[str]) -> list[BaseMessage]:
        if not reasons or not self.retry:
            return []
        listed = "\n".join(f"- {fence(reason, self._tags)}" for reason in reasons)
        return _messages(self.retry, {**fenced, "reasons": listed})

    def _completion(
        self, fenced: Mapping[str, str], examples: Sequence[tuple[BaseMessage, ...]], reasons: Sequence[str]
    ) -> list[BaseMessage]:
        pieces = [part.content.format_map(fenced) for part in (*self.before, *self.after)]
        shown = [str(message.content) for each in examples for message in each]
        retry = [str(message.content) for message in self._retry(fenced, reasons)]
        place = len(self.before)
        text = "".join([*pieces[:place], *shown, *pieces[place:-1], *retry, pieces[-1]])
        return [HumanMessage(text.rstrip())]


def _messages(parts: Sequence[MessageTemplate], values: Mapping[str, str]) -> list[BaseMessage]:
    """What `ChatPromptTemplate` makes of the parts, at a tenth of its cost; `variables_of` has let only names in."""
    return [_MESSAGE[part.role](part.content.format_map(values)) for part in parts]


def _fields(example: Example, n: int, tags: frozenset[str]) -> dict[str, str]:
    hints = "\n".join(f"Hint: {fence(hint, tags)}" for hint in example.hints)
    texts = {name: getattr(example, name) for name in ("headline", "article", "summary", "answer", "riddle")}
    fenced = {f"example_{name}": fence(text, tags) for name, text in texts.items()}
    return {**fenced, "example_hints": hints, "example_n": str(n)}


def _append(messages: list[BaseMessage], extra: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Joins a first extra message to the last one of the same role: some chat templates demand that roles alternate."""
    if extra and extra[0].type == messages[-1].type:
        joined = type(messages[-1])(f"{messages[-1].content}\n\n{extra[0].content}")
        return [*messages[:-1], joined, *extra[1:]]
    return [*messages, *extra]


def _pairs(parts: Sequence[MessageTemplate]) -> list[tuple[str, str]]:
    return [(part.role, part.content) for part in parts]


def _joined(parts: Sequence[MessageTemplate]) -> str:
    return "".join(part.content for part in parts)
