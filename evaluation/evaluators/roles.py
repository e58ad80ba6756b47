"""What evaluators look like: of one outcome, of all outcomes of a pipeline, and those that ask a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evaluation.case import Case
    from evaluation.evaluators.pool import Pool
    from evaluation.metric import Metric, Score
    from evaluation.outcome import Outcome


class Evaluator(Protocol):
    """Scores one outcome, in code and always in the same way. A frozen dataclass."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What it measures."""

    def __call__(self, outcome: Outcome, case: Case, pool: Pool) -> dict[str, Score]:
        """One score for each of `metrics`, by name."""


class SetEvaluator(Protocol):
    """Scores all outcomes of one pipeline together, because the number means nothing for one of them."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What it measures."""

    def __call__(self, outcomes: Sequence[Outcome], cases: Mapping[str, Case]) -> dict[str, Score]:
        """One score for each of `metrics`, by name."""


class ModelEvaluator(Protocol):
    """Scores one outcome by asking a chat model, which costs time and money and may err."""

    @property
    def name(self) -> str:
        """Prompt, version and model, such as `solver@1:openai:gpt-5`: what a score has to be remembered with."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What it measures."""

    async def __call__(self, outcome: Outcome, case: Case, pool: Pool) -> dict[str, Score]:
        """One score for each of `metrics`, by name; unscored when the model fails or gives no proper answer."""
