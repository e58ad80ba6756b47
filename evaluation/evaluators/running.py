"""Evaluators of what it took to make a riddle, and of what the pipeline's own gate said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from evaluation.evaluators.scoring import BY_PEOPLE, FAILED, given, unscored
from evaluation.metric import Metric, Score
from evaluation.results import REFERENCE
from prompts.pipeline import CHECKS

if TYPE_CHECKING:
    from evaluation.case import Case
    from evaluation.evaluators.pool import Pool
    from evaluation.metric import Unit
    from evaluation.outcome import Outcome


def _metric(name: str, title: str, unit: Unit, about: str, blind_to: str, *, headline: bool = False) -> Metric:
    return Metric(
        name=name,
        title=title,
        group="running",
        unit=unit,
        better="lower",
        about=about,
        blind_to=blind_to,
        headline=headline,
    )


@dataclass(frozen=True, slots=True)
class Running:
    """Time, tokens, money and tries.

    Source: the pipeline's own records.
    Cannot see: what the machine did besides. The first run of a model pays for loading it; several at once slow each
    other. Tokens of different models do not compare. An unknown price is unscored, not 0.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        _metric(
            "latency_ms",
            "Latency",
            "ms",
            "From the article to the riddle, by the clock.",
            "What else the machine did.",
            headline=True,
        ),
        _metric(
            "input_tokens", "Input tokens", "tokens", "Prompt tokens of all calls.", "Other models' tokens differ."
        ),
        _metric(
            "output_tokens", "Output tokens", "tokens", "Tokens written in all calls.", "Other models' tokens differ."
        ),
        _metric(
            "cost_usd",
            "Cost",
            "usd",
            "What the provider charges for all calls, by the price table.",
            "Machines of one's own, and prices that are not in the table.",
            headline=True,
        ),
        _metric(
            "attempts", "Attempts", "count", "Tries of the riddle step, the first included.", "Why they were needed."
        ),
        _metric("model_calls", "Model calls", "count", "Calls of a model that answered.", "How long each was."),
    )

    def __call__(self, outcome: Outcome, case: Case, pool: Pool) -> dict[str, Score]:  # noqa: ARG002  # one signature
        """Read the records."""
        riddle = given(outcome)
        if riddle is None:
            return unscored(self.metrics, FAILED)
        if outcome.pipeline == REFERENCE:
            return unscored(self.metrics, BY_PEOPLE)
        usage = riddle.usage
        return {
            "latency_ms": Score(outcome.latency_ms),
            "input_tokens": Score(float(usage.input_tokens)),
            "output_tokens": Score(float(usage.output_tokens)),
            "cost_usd": Score(usage.cost_usd, "" if usage.cost_usd is not None else "the price is not known"),
            "attempts": Score(float(riddle.attempts)),
            "model_calls": Score(float(usage.calls)),
        }


def _gate_metric(name: str) -> Metric:
    return Metric(
        name=f"gate_{name}",
        title=f"Gate: {name}",
        group="running",
        unit="share",
        better="higher",
        about=f"The check `{name}` of the pipeline's own gate passed.",
        blind_to="Pipelines have thresholds of their own, and what the check cannot see.",
        binary=True,
    )


@dataclass(frozen=True, slots=True)
class GateRecord:
    """What the pipeline's own gate said of the riddle it chose: published, and each check.

    A check that the pipeline does not have, or that was not reached because nothing could be read, is unscored.

    Source: the riddle's record.
    Cannot see: quality that no check looks at; a pipeline with a lax gate publishes more. `form_valid` and `leak_free`
    hold all pipelines to the same rules.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="published",
            title="Published",
            group="running",
            unit="share",
            better="higher",
            about="The pipeline's own gate let the riddle be published without a person looking at it.",
            blind_to="How strict the pipeline's gate is.",
            binary=True,
            headline=True,
        ),
        *map(_gate_metric, CHECKS),
    )

    def __call__(self, outcome: Outcome, case: Case, pool: Pool) -> dict[str, Score]:  # noqa: ARG002  # one signature
        """Read the record."""
        riddle = given(outcome)
        if riddle is None:
            return unscored(self.metrics, FAILED)
        passed = {check.name: Score(float(check.passed), check.detail) for check in riddle.checks}
        scores = {f"gate_{name}": passed.get(name, _NOT_CHECKED) for name in CHECKS}
        if outcome.pipeline == REFERENCE:
            return {"published": Score(None, BY_PEOPLE), **scores}
        shown = riddle.status == "published" and bool(riddle.riddle)
        return {"published": Score(float(shown)), **scores}


_NOT_CHECKED: Final = Score(None, "the gate has no such check, or did not come to it")
