"""Labelled guesses about stories of the shipped examples."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson

from chains.guessing import Secret, Verdict
from domain.article import content_hash
from domain.errors import NotFound
from retrievers.shipped import read_shipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from domain import Example

LABELS: Final[tuple[Verdict, ...]] = ("right", "near", "wrong")

Part = Literal["calibration", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One guess and what it should be called.

    Args:
        story: Headline of the shipped example it is about.
        guess: As a reader may type it.
        label: `right` names the story or what its answer names; `near` is the right kind of thing, or a main part of
            the story, without what makes it this one; `wrong` is everything else.
        secret: Title, answer and summary, riddle and hints.
        made: Whether a model made summary and riddle of the example's article, rather than the example's author.
    """

    story: str
    guess: str
    label: Verdict
    secret: Secret
    made: bool = False

    @property
    def part(self) -> Part:
        """By the story's hash: the test part has no story that the calibration has seen."""
        return "calibration" if int(content_hash(self.story)[:8], 16) % 3 else "test"


def read_labelled() -> tuple[Labelled, ...]:
    """All labelled guesses that ship.

    Raises:
        NotFound: A story is no shipped example any more.
    """
    examples = {example.headline: example for example in read_shipped()}
    lines = files("evaluation.guessing").joinpath("guesses.jsonl").read_bytes().splitlines()
    return tuple(labelled for line in lines for labelled in _of_line(orjson.loads(line), examples))


def _of_line(record: dict[str, Any], examples: Mapping[str, Example]) -> Iterator[Labelled]:
    story: str = record["headline"]
    made = "answer" in record
    secret = _made(record) if made else _secret_of(examples, story)
    for label in LABELS:
        for guess in record[label]:
            yield Labelled(story=story, guess=guess, label=label, secret=secret, made=made)


def _secret_of(examples: Mapping[str, Example], story: str) -> Secret:
    if story not in examples:
        raise NotFound("shipped example", story)
    example = examples[story]
    return Secret(
        title=story, answer=example.answer, summary=example.summary, riddle=example.riddle, hints=example.hints
    )


def _made(record: dict[str, Any]) -> Secret:
    """Of a riddle that the default pipeline made of the example's article, as it wrote it."""
    return Secret(
        title=record["headline"],
        answer=record["answer"],
        summary=record["summary"],
        riddle=record["riddle"],
        hints=tuple(record["hints"]),
    )
