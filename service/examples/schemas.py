"""What goes in and comes out of /v1/examples."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from domain.example import Example, Origin
from service.riddles.schemas import StepOut
from service.schemas import Answer, Body, CleanText, VisibleText

ExampleStatus = Literal["approved", "pending"]
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


class ExampleProvenance(Answer):
    """Which riddle an example was, what made it, and who said so."""

    riddle_id: str
    pipeline: str
    steps: list[StepOut]
    promoted_by: str = Field(description="Id of a key, or `anonymous`.")
    promoted_at: datetime
    approved_by: str | None
    approved_at: datetime | None


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
    status: ExampleStatus = Field(description="`pending` ones are neither retrieved nor trained on.")
    provenance: ExampleProvenance | None = Field(description="Of promoted riddles only.")


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
    """An example as JSON, as an export has it and an import takes it."""
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
