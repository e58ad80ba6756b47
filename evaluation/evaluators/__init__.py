"""Evaluators, each a small frozen dataclass that names its source and what it cannot see; and the metrics they give."""

from evaluation.evaluators.agreement import Agreement, judge_agreement
from evaluation.evaluators.asking import Asker
from evaluation.evaluators.catalogue import (
    all_metrics,
    default_evaluators,
    default_set_evaluators,
    metric,
)
from evaluation.evaluators.entailment import Entailment
from evaluation.evaluators.judge import Judge, Preference
from evaluation.evaluators.model_solver import ModelSolver
from evaluation.evaluators.perplexity import Likelihood, Perplexity
from evaluation.evaluators.pool import Pool
from evaluation.evaluators.reference import reference_outcome
from evaluation.evaluators.roles import Evaluator, ModelEvaluator, SetEvaluator

__all__ = [
    "Agreement",
    "Asker",
    "Entailment",
    "Evaluator",
    "Judge",
    "Likelihood",
    "ModelEvaluator",
    "ModelSolver",
    "Perplexity",
    "Pool",
    "Preference",
    "SetEvaluator",
    "all_metrics",
    "default_evaluators",
    "default_set_evaluators",
    "judge_agreement",
    "metric",
    "reference_outcome",
]
