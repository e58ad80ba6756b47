"""Experiments: pipelines over a dataset, resumable, with everything on the disk that is needed to do it again."""

from evaluation.experiments.budget import Budget
from evaluation.experiments.folder import Experiment, Experiments
from evaluation.experiments.model_scores import ModelScorer, read_preferences, spent_on_scores
from evaluation.experiments.plan import Key, key_of, runs_of, seed_of
from evaluation.experiments.pool import AllowedExamples, allowed_examples, open_pool
from evaluation.experiments.preflight import models_of, open_models, require_evaluators, require_prices
from evaluation.experiments.request import Plan, Request, plan
from evaluation.experiments.runner import Ran, Runner, Standing
from evaluation.experiments.scoring import outcomes_by_pipeline, pool_of, read_results
from evaluation.experiments.still import StillCatalog

__all__ = [
    "AllowedExamples",
    "Budget",
    "Experiment",
    "Experiments",
    "Key",
    "ModelScorer",
    "Plan",
    "Ran",
    "Request",
    "Runner",
    "Standing",
    "StillCatalog",
    "allowed_examples",
    "key_of",
    "models_of",
    "open_models",
    "open_pool",
    "outcomes_by_pipeline",
    "plan",
    "pool_of",
    "read_preferences",
    "read_results",
    "require_evaluators",
    "require_prices",
    "runs_of",
    "seed_of",
    "spent_on_scores",
]
