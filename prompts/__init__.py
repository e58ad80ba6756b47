"""Prompt files with versions, and pipelines as data. Knows nothing of models, storage or HTTP."""

from prompts.catalog import Catalog
from prompts.diff import diff_prompts
from prompts.errors import VariablesMismatch
from prompts.fence import fence
from prompts.folder import FileProblem
from prompts.grammar import builtin_grammar
from prompts.pipeline import GateSpec, ModelCallSpec, PipelineSpec, RetrievalSpec, StepSpec
from prompts.prompt import MessageTemplate, Prompt

__all__ = [
    "Catalog",
    "FileProblem",
    "GateSpec",
    "MessageTemplate",
    "ModelCallSpec",
    "PipelineSpec",
    "Prompt",
    "RetrievalSpec",
    "StepSpec",
    "VariablesMismatch",
    "builtin_grammar",
    "diff_prompts",
    "fence",
]
