"""What goes in and comes out of /v1/riddles."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from domain.article import Article
from service.schemas import Answer, BlankIsNone, Body, CleanText, HttpUrl, Name, Timestamp, VisibleText

Title = Annotated[Annotated[CleanText, Field(max_length=1000)] | None, BlankIsNone]
Source = Annotated[Annotated[CleanText, Field(max_length=200)] | None, BlankIsNone]


class ArticleIn(Body):
    """A news article as callers send it."""

    text: VisibleText = Field(description="The body. Long ones are condensed by sections, never cut.")
    title: Title = None
    url: HttpUrl | None = None
    source: Source = None
    published_at: Timestamp | None = None
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", max_length=35)] | None = None

    def to_article(self) -> Article:
        """The domain's article.

        Raises:
            InvalidArticle: As `Article` does.
        """
        return Article(
            text=self.text,
            title=self.title,
            url=self.url,
            source=self.source,
            published_at=self.published_at,
            language=self.language,
        )


class RiddleRequest(Body):
    """An article, and the pipeline that is to make the riddle."""

    article: ArticleIn
    pipeline: Name | None = Field(default=None, description="Name of a pipeline; the service's default when left out.")


class ArticleOut(Answer):
    """Which article a riddle was made of; its text is not given out."""

    id: str
    title: str | None
    url: str | None
    source: str | None
    published_at: datetime | None


class StepOut(Answer):
    """One step's provenance."""

    step: str
    prompt: str
    model: str
    example_ids: list[str]
    cached: bool = Field(description="Whether the model answered the very same question before.")


class ProvenanceOut(Answer):
    """Where every part of a riddle came from."""

    steps: list[StepOut]


class CheckOut(Answer):
    """The verdict of one check of the gate."""

    name: str
    passed: bool
    score: float | None
    detail: str


class UsageOut(Answer):
    """Tokens and money; `cost_usd` is null where the price is unknown."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: float | None


class TimingsOut(Answer):
    """Milliseconds each part took."""

    retrieve: float
    summarize: float
    riddle: float
    total: float


class RiddleOut(Answer):
    """A riddle. Callers with only the reader role get no `answer`, `summary` or `provenance`."""

    id: str
    created_at: datetime
    status: Literal["published", "needs_review"]
    article: ArticleOut
    riddle: str | None
    hints: list[str]
    pipeline: str
    checks: list[CheckOut]
    attempts: int
    usage: UsageOut
    timings_ms: TimingsOut
    summary: str | None = None
    answer: str | None = None
    provenance: ProvenanceOut | None = None


EventName = Literal["examples", "summary.delta", "summary", "riddle.delta", "riddle", "retry", "result", "error"]
"""The events of a stream, in the order they can come; `result` or `error` is last."""

STREAM_EXAMPLE: dict[str, Any] = {
    "schema": {"type": "string", "description": "Server-sent events, see docs/http.md"},
    "example": 'event: riddle.delta\ndata: {"text":"I rise"}\nid: 5\n\n',
}
