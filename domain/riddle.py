"""What a pipeline makes: the riddle, with the checks it met and where every part of it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from domain.usage import Usage

if TYPE_CHECKING:
    from domain.article import Article

Status = Literal["published", "needs_review"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One candidate as a model wrote it and the parser read it.

    Args:
        answer: What is to be guessed.
        riddle: Lines joined by newlines.
        hints: In the order given.
        summary: Only from one-step prompts, where the model summarises in the same answer.
    """

    answer: str
    riddle: str
    hints: tuple[str, ...] = ()
    summary: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The verdict of one check of the gate.

    Args:
        name: `leakage`, `form`, `grounding`, `copying`, `safety`, `format`, or `condensed`.
        passed: Whether the riddle may be published as far as this check goes.
        score: 1.0 is faultless, 0.0 the worst; None where a number says nothing.
        detail: One sentence for a person; empty when there is nothing to say.
    """

    name: str
    passed: bool
    score: float | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """Provenance of one step: which prompt, which model, which examples.

    Args:
        step: `summarize`, `riddle`, `condense` or `summary_riddle`.
        prompt: `name@version`.
        model: `provider:model` that answered, after fallbacks.
        example_ids: Of the examples shown, in the order shown.
        cached: Whether the answer was given before, to the very same question, and only remembered now.
    """

    step: str
    prompt: str
    model: str
    example_ids: tuple[str, ...] = ()
    cached: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Milliseconds each part took; retries and candidates are part of `riddle`."""

    retrieve: float = 0.0
    summarize: float = 0.0
    riddle: float = 0.0
    total: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Riddle:
    """The outcome for one article.

    Args:
        article: What it was made of.
        status: `published` when every check passed, else `needs_review`.
        summary: The model's summary; None when it gave none.
        riddle: The text readers see; None when no attempt gave anything that parses.
        answer: What is to be guessed; None like riddle.
        hints: From gentle to nearly giving it away.
        pipeline: Name of the pipeline.
        steps: Provenance, in the order the steps ran.
        checks: All verdicts on the chosen candidate.
        attempts: How many tries the riddle step took, 1 or more.
        usage: All calls of all attempts.
        timings_ms: Where the time went.
    """

    article: Article
    status: Status
    pipeline: str
    summary: str | None = None
    riddle: str | None = None
    answer: str | None = None
    hints: tuple[str, ...] = ()
    steps: tuple[StepRecord, ...] = ()
    checks: tuple[Check, ...] = ()
    attempts: int = 1
    usage: Usage = field(default_factory=Usage)
    timings_ms: Timings = field(default_factory=Timings)
