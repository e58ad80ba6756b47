"""What a running pipeline tells while it works, in the order it happens. `Completed` is always last on success."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.riddle import Draft, Riddle


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownExample:
    """An example that was picked, with its cosine similarity to the article."""

    id: str
    topic: str
    headline: str
    score: float


@dataclass(frozen=True, slots=True)
class ExamplesSelected:
    """Retrieval is done; least similar first, as prompts show them. Empty for zero-shot pipelines."""

    examples: tuple[ShownExample, ...]


@dataclass(frozen=True, slots=True)
class SummaryDelta:
    """A piece of the summary."""

    text: str


@dataclass(frozen=True, slots=True)
class SummaryDone:
    """The whole summary."""

    summary: str


@dataclass(frozen=True, slots=True)
class RiddleDelta:
    """A piece of the riddle's text (never of the answer or the hints)."""

    text: str


@dataclass(frozen=True, slots=True)
class RiddleDone:
    """The candidate that was chosen, before the final result is put together."""

    draft: Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """An attempt was thrown away: clear what was streamed of this step."""

    step: str
    attempt: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Completed:
    """The end: the same riddle that `ainvoke` returns."""

    riddle: Riddle


PipelineEvent = ExamplesSelected | SummaryDelta | SummaryDone | RiddleDelta | RiddleDone | Retry | Completed
