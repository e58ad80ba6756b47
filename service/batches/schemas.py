"""What goes in and comes out of /v1/batches."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from service.riddles.schemas import ArticleIn, RiddleOut
from service.schemas import Answer, Body, Name, ProblemOut
from service.webhooks.schemas import WebhookIn, WebhookOut


class BatchRequest(Body):
    """Many articles, and the pipeline that is to make their riddles."""

    articles: list[ArticleIn] = Field(min_length=1, description="Worked on in any order, given back in this one.")
    pipeline: Name | None = Field(default=None, description="Name of a pipeline; the service's default when left out.")
    webhook: WebhookIn | None = None


class CountsOut(Answer):
    """How many articles are at what."""

    total: int
    queued: int
    running: int
    published: int
    needs_review: int
    failed: int
    cancelled: int


class DeferredOut(Answer):
    """Queued articles that wait for a daily budget."""

    count: int
    budgets: list[Literal["all", "key", "pipeline"]] = Field(description="Whose budgets are spent.")
    until: datetime = Field(description="When they start anew: the next UTC midnight. Sooner when they are raised.")
    detail: str


class BatchOut(Answer):
    """A batch and how far it is."""

    id: str
    status: Literal["queued", "running", "done", "cancelled"]
    counts: CountsOut
    pipeline: str
    created_at: datetime
    finished_at: datetime | None
    eta_seconds: float | None = Field(
        description="If it goes on as so far; null before the first article is done, and while some wait for a budget."
    )
    deferred: DeferredOut | None = Field(description="Of the queued articles, those that wait for a daily budget.")
    webhook: WebhookOut | None = Field(default=None, description="Only in the answer to POST, where one was asked for.")


class BatchItemOut(Answer):
    """One article of a batch: its riddle, or why there is none."""

    index: int = Field(description="The article's place in the batch, from 0.")
    status: Literal["queued", "running", "published", "needs_review", "failed", "cancelled"]
    riddle: RiddleOut | None
    error: ProblemOut | None


PROGRESS_EXAMPLE: dict[str, Any] = {
    "schema": {"type": "string", "description": "Server-sent events: `progress` while it runs, `done` at the end"},
    "example": 'event: progress\ndata: {"id":"bat_01","status":"running","counts":{"total":3}}\nid: 1\n\n',
}
"""The data of both events is the batch."""
