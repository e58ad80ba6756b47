"""Makes a training set of the pre-made examples: the prompts a pipeline renders, with what people wrote as answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from chains.gate import ArticleFacts, Gate
from chains.parsing import render_draft
from domain import Article, Draft
from finetuning.sample import Message, Sample
from prompts.pipeline import GateSpec
from retrievers.splits import split_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from langchain_core.messages import BaseMessage

    from chains.recipe import BoundStep, Recipe
    from domain import Example
    from finetuning.sample import Role

STEPS: Final = ("summarize", "riddle")
"""The steps that a training set has samples for."""

_ROLES: Final[dict[str, Role]] = {"system": "system", "human": "user", "ai": "assistant"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """An example that does not train, and why."""

    example_id: str
    headline: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """All samples, and what was left out of them.

    Args:
        samples: Of both splits, examples in a fixed order, an example's steps one after another.
        left_out: Refused by the gate, or the same as another one.
        topics: Of the example with that id.
    """

    samples: tuple[Sample, ...]
    left_out: tuple[LeftOut, ...] = ()
    topics: dict[str, str] = field(default_factory=dict)

    def of(self, split: str) -> list[Sample]:
        """The samples of `train` or `dev`."""
        return [sample for sample in self.samples if sample.split == split]


def prepare(
    examples: Iterable[Example],
    recipe: Recipe,
    *,
    shots: Callable[[Example], Sequence[Example]] | None = None,
    steps: Sequence[str] = STEPS,
) -> TrainingSet:
    """Make samples of examples.

    An example trains when its riddle passes the gate, since a model learns the faults of what it is shown, and when
    no example before it has the same article or the same riddle. Order and split depend on the texts alone.

    Args:
        examples: Approved ones; all in the example store are.
        recipe: The pipeline whose prompts are rendered.
        shots: What to show in an example's prompts, most similar last; None shows nothing.
        steps: Which steps to make samples for; those the pipeline does not have are passed over.
    """
    samples: list[Sample] = []
    left_out: list[LeftOut] = []
    topics: dict[str, str] = {}
    seen: set[str] = set()
    gate = Gate(GateSpec())
    for example in sorted(examples, key=lambda each: each.content_hash):
        reasons = (*_repeated(example, seen), *judge(example, gate))
        if reasons:
            left_out.append(LeftOut(example_id=example.id, headline=example.headline, reasons=reasons))
            continue
        topics[example.id] = example.topic
        shown = tuple(shots(example)) if shots else ()
        samples += _samples(example, recipe, shown, steps)
    return TrainingSet(samples=tuple(samples), left_out=tuple(left_out), topics=topics)


def judge(example: Example, gate: Gate) -> tuple[str, ...]:
    """What the gate has against an example's riddle; empty when it would be published."""
    verdict = gate.judge(
        Draft(answer=example.answer, riddle=example.riddle, hints=example.hints),
        article=ArticleFacts(Article(text=example.article, title=example.headline or None)),
        summary=example.summary,
    )
    return () if verdict.passed else verdict.reasons


def answer_of(example: Example, step: str) -> str:
    """What a model should have said in a step, in the form that the parser reads."""
    if step == "summarize":
        return example.summary
    return render_draft(Draft(answer=example.answer, riddle=example.riddle, hints=example.hints))


def _samples(example: Example, recipe: Recipe, shown: tuple[Example, ...], steps: Sequence[str]) -> Iterator[Sample]:
    for kind in steps:
        step = recipe.step(kind)
        if step is None:
            continue
        visible = step.shown(shown)
        yield Sample(
            step=kind,
            messages=_rendered(step, example, visible),
            answer=answer_of(example, kind),
            example_id=example.id,
            split=split_of(example),
            shown=tuple(each.id for each in visible),
        )


def _rendered(step: BoundStep, example: Example, shown: tuple[Example, ...]) -> tuple[Message, ...]:
    offered = {"title": example.headline, "article": example.article, "summary": example.summary}
    return tuple(map(_message, step.prompt.render(step.values(offered), shown)))


def _message(message: BaseMessage) -> Message:
    return Message(role=_ROLES[message.type], content=str(message.content))


def _repeated(example: Example, seen: set[str]) -> tuple[str, ...]:
    reasons = []
    for what, text in (("article", example.article), ("riddle", example.riddle)):
        key = f"{what}: {' '.join(text.casefold().split())}"
        if key in seen:
            reasons.append(f"Another example has the same {what}.")
        seen.add(key)
    return tuple(reasons)
