"""The sample: one conversation with the answer a model is to learn, as trainers and providers read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import orjson

from finetuning.errors import NotATrainingSet

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from retrievers.splits import Split

Role = Literal["system", "user", "assistant"]
_ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One model call of a pipeline, with the answer a person wrote.

    Args:
        step: `summarize` or `riddle`.
        messages: What the model is sent, as the pipeline's prompt renders it.
        answer: What it should say; only this counts in the loss.
        example_id: Of the pre-made example it was made of.
        split: Whether it trains or measures.
        shown: Ids of the examples shown in the prompt.
    """

    step: str
    messages: tuple[Message, ...]
    answer: str
    example_id: str
    split: Split
    shown: tuple[str, ...] = ()

    @property
    def conversation(self) -> list[dict[str, str]]:
        """The turns with the answer last: the form that chat templates, TRL and the providers' files share."""
        turns = [{"role": message.role, "content": message.content} for message in self.messages]
        return [*turns, {"role": "assistant", "content": self.answer}]


def write_samples(path: Path, samples: Iterable[Sample]) -> None:
    """Write JSON lines: `messages` with the answer last, and where each sample came from."""
    with path.open("wb") as file:
        for sample in samples:
            line = {
                "messages": sample.conversation,
                "step": sample.step,
                "example_id": sample.example_id,
                "split": sample.split,
                "shown": sample.shown,
            }
            file.write(orjson.dumps(line) + b"\n")


def read_samples(path: Path) -> list[Sample]:
    """Read what `write_samples` wrote, or any JSON lines of `messages` that end with the assistant's.

    Raises:
        NotATrainingSet: A line is something else.
    """
    with path.open("rb") as file:
        return [_sample(path, number, line) for number, line in enumerate(file, start=1) if line.strip()]


def _sample(path: Path, number: int, line: bytes) -> Sample:
    try:
        data: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise NotATrainingSet(path, number, "is no JSON") from None
    turns = data.get("messages") if isinstance(data, dict) else None
    if not isinstance(turns, list) or not all(map(_is_turn, turns)):
        raise NotATrainingSet(path, number, "has no `messages` with role and content")
    if len(turns) < _SHORTEST or turns[-1]["role"] != "assistant":
        raise NotATrainingSet(path, number, "does not end with the assistant's answer")
    return Sample(
        step=str(data.get("step", "riddle")),
        messages=tuple(Message(role=turn["role"], content=turn["content"]) for turn in turns[:-1]),
        answer=turns[-1]["content"],
        example_id=str(data.get("example_id", "")),
        split="dev" if data.get("split") == "dev" else "train",
        shown=tuple(map(str, data.get("shown", ()))),
    )


def _is_turn(turn: object) -> bool:
    return isinstance(turn, dict) and turn.get("role") in _ROLES and isinstance(turn.get("content"), str)


_SHORTEST = 2
