"""What goes in and comes out of promotions."""

from typing import Annotated

from pydantic import Field

from service.examples.schemas import Topic
from service.schemas import Body, CleanText, VisibleText


class PromotionIn(Body):
    """What is to be better in the example than in the riddle; what is left out stays as it is."""

    summary: VisibleText | None = None
    answer: Annotated[VisibleText, Field(max_length=500)] | None = None
    riddle: VisibleText | None = None
    hints: Annotated[list[VisibleText], Field(max_length=20)] | None = None
    headline: Annotated[CleanText, Field(max_length=1000)] | None = None
    topic: Topic | None = None
