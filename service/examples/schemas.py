"""What goes in and comes out of /v1/examples."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from domain.example import Example, Origin
from service.schemas import Answer, Body, CleanText, VisibleText

if TYPE_CHECKING:
    from retrievers.selection import Scored

Topic = Annotated[CleanText, Field(max_length=100)]


class ExampleIn(Body):
    """An example as a person wrote or approved it."""

    article: VisibleText = Field(description="Body of the example's article.")
    summary: VisibleText = Field(description="One or two sentences.")
    answer: Annotated[VisibleText, Field(max_length=500)]
    riddle: VisibleText = Field(description="Two to six lines.")
    hints: list[VisibleText] = Field(default=[], max_length=20)
    headline: Annotated[CleanText, Field(max_length=1000)] = ""
    topic: Topic = ""

    def to_example(self, *, tenant: str | None, origin: Origin = "added", example_id: str = "") -> Example:
        """The domain's example.

        Raises:
            InvalidExample: As `Example` does.
        """
        return Example(
            article=self.article,
            summary=self.summary,
            answer=self.answer,
            riddle=self.riddle,
            hints=tuple(self.hints),
            headline=self.headline,
            topic=self.topic,
            tenant=tenant,
            origin=origin,
            id=example_id,
        )


class ExampleOut(Answer):
    """An example."""

    id: str
    headline: str
    topic: str
    article: str
    summary: str
    answer: str
    riddle: str
    hints: list[str]
    origin: Origin


class FoundExample(ExampleOut):
    """An example a list or a search found; `score` is its cosine similarity, null where nothing was searched for."""

    score: float | None = None


class RejectedLine(Answer):
    """A line of an import that was left out, counted from 1."""

    line: int
    reason: str


class ImportOut(Answer):
    """What an import did."""

    added: int
    updated: int
    unchanged: int
    rejected: list[RejectedLine]


def example_payload(example: Example) -> dict[str, Any]:
    """An example as JSON."""
    return {
        "id": example.id,
        "headline": example.headline,
        "topic": example.topic,
        "article": example.article,
        "summary": example.summary,
        "answer": example.answer,
        "riddle": example.riddle,
        "hints": list(example.hints),
        "origin": example.origin,
    }


def found_payload(scored: "Scored") -> dict[str, Any]:
    """An example as a search found it."""
    return {**example_payload(scored.example), "score": round(scored.score, 4)}
