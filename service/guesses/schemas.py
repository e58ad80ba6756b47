"""What goes in and comes out of guesses, reveals and feedback."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BeforeValidator, Field

from chains.guessing.reading import LONGEST_GUESS
from service.riddles.schemas import ArticleOut
from service.schemas import Answer, Body, CleanText, Page, VisibleText

ReaderId = Annotated[
    CleanText,
    Field(
        min_length=1,
        max_length=200,
        description="Your own name for one of your readers; kept as a hash. Without it the key is the reader.",
    ),
]
ReaderQuery = Annotated[
    CleanText | None,
    Query(min_length=1, max_length=200, description="The reader as guesses and reveals name it."),
]


def _no_truth(value: object) -> object:
    """`true` equals 1 in Python and is no rating in JSON."""
    if isinstance(value, bool):
        message = "is neither -1 nor 1"
        raise ValueError(message)  # noqa: TRY004 -- pydantic reports ValueError, not TypeError
    return value


class ReaderIn(Body):
    """Which reader."""

    reader: ReaderId | None = None


class GuessIn(ReaderIn):
    """A reader's guess."""

    guess: Annotated[VisibleText, Field(max_length=LONGEST_GUESS)]


class FeedbackIn(ReaderIn):
    """What a reader thinks of a riddle."""

    rating: Annotated[Literal[-1, 1], BeforeValidator(_no_truth)] = Field(
        description="1 for a good riddle, -1 for a bad one."
    )
    comment: Annotated[CleanText, Field(max_length=2000)] | None = None


class GuessOut(Answer):
    """What a guess came to. Nothing in here tells the answer."""

    correct: bool
    near: bool = Field(description="Not right, and not far from it.")
    score: float = Field(
        ge=0, le=1, description="The higher the nearer, in steps: below 0.3 when wrong, 0.5 when near."
    )
    hint: str | None = Field(description="After a guess that is not right: the next hint; null when none is left.")
    solved_by: int = Field(description="Readers who have solved this riddle.")


class RevealOut(Answer):
    """What the riddle hides."""

    answer: str
    summary: str | None
    article: ArticleOut


class FeedbackOut(Answer):
    """An opinion as it is kept."""

    id: str
    riddle_id: str
    rating: Literal[-1, 1]
    comment: str | None
    created_at: datetime
    updated_at: datetime


class FeedbackPage(Page[FeedbackOut]):
    """What readers think of a riddle: counts, and a page of opinions."""

    up: int
    down: int
    solved_by: int
