"""All metrics by name, in the order of tables, and the evaluators that need no model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.errors import NotFound
from evaluation.evaluators.diversity import Distinct, SelfBleu
from evaluation.evaluators.entailment import Entailment
from evaluation.evaluators.judge import Judge
from evaluation.evaluators.model_solver import ModelSolver
from evaluation.evaluators.perplexity import Perplexity
from evaluation.evaluators.retrieval import Shots
from evaluation.evaluators.riddle import AnswerLeak, Copying, Length, Rules
from evaluation.evaluators.running import GateRecord, Running
from evaluation.evaluators.solver import EmbeddingSolver
from evaluation.evaluators.summary import Compression, Faithfulness, Rouge
from evaluation.evaluators.verse import Metre, Rhyme

if TYPE_CHECKING:
    from evaluation.evaluators.roles import Evaluator, SetEvaluator
    from evaluation.metric import Metric

METRICS: Final[dict[str, Metric]] = {
    metric.name: metric
    for evaluator in (
        *(Rouge, Faithfulness, Entailment, Compression),
        *(EmbeddingSolver, ModelSolver, Rules, AnswerLeak, Copying, Rhyme, Metre, Length, Distinct, SelfBleu),
        *(Shots, GateRecord, Running, Perplexity, Judge),
    )
    for metric in evaluator.metrics
}
"""All metrics by name, in the order of tables."""


def metric(name: str) -> Metric:
    """The metric of that name.

    Raises:
        NotFound: There is none; the message lists those there are.
    """
    found = METRICS.get(name)
    if found is None:
        raise NotFound("metric", name, METRICS)
    return found


def all_metrics() -> tuple[Metric, ...]:
    """All metrics, in the order of tables."""
    return tuple(METRICS.values())


def default_evaluators() -> tuple[Evaluator, ...]:
    """Those that score one outcome and ask no model, so that they cost nothing but a moment."""
    return (
        *(Rouge(), Faithfulness(), Compression()),
        *(EmbeddingSolver(), Rules(), AnswerLeak(), Copying(), Rhyme(), Metre(), Length()),
        *(Shots(), GateRecord(), Running()),
    )


def default_set_evaluators() -> tuple[SetEvaluator, ...]:
    """Those that score all outcomes of a pipeline together and ask no model."""
    return (Distinct(), SelfBleu())
