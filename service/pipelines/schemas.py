"""What goes in and comes out of /v1/pipelines."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from service.riddles.schemas import ArticleIn, ArticleOut, RiddleOut
from service.schemas import Answer, Body, Name, ProblemOut

if TYPE_CHECKING:
    from chains.explain import ExplainedStep, Explanation
    from prompts import GateSpec, ModelCallSpec, PipelineSpec, RetrievalSpec, StepSpec
    from retrievers import Considered

MAX_COMPARED = 8


class ExplainRequest(Body):
    """The article to explain a pipeline with."""

    article: ArticleIn


class CompareRequest(Body):
    """The article, and the pipelines that are each to make a riddle of it."""

    article: ArticleIn
    pipelines: Annotated[list[Name], Field(min_length=1, max_length=MAX_COMPARED)]


class SettingsOut(Answer):
    """How a step's model is called; null leaves it to the provider."""

    max_tokens: int
    temperature: float | None
    top_p: float | None
    timeout_s: float
    stop: list[str]
    seed: int | None
    grammar: str | None
    extra: dict[str, str | int | float | bool]


class PipelineStepOut(Answer):
    """One model call of a pipeline."""

    step: str
    prompt: str
    model: str
    fallbacks: list[str]
    settings: SettingsOut
    shots: int | None = Field(description="Most examples this step shows; null shows all that fit.")


class RetrievalOut(Answer):
    """Which examples are looked up."""

    k: int
    floor: float
    mmr_lambda: float
    candidates: int


class GateOut(Answer):
    """What a riddle must pass, and how often the model may try."""

    checks: list[str]
    thresholds: dict[str, float]
    attempts: int
    candidates: int


class PipelineOut(Answer):
    """What a pipeline is made of."""

    name: str
    description: str
    option: str
    source: Literal["builtin", "user"]
    content_hash: str
    default: bool = Field(description="Whether it is used when a request names none.")
    steps: list[PipelineStepOut]
    retrieval: RetrievalOut | None
    gate: GateOut
    shot_token_share: float
    cache: bool = Field(description="Whether answers of models may be remembered for the very same question.")


class ConsideredOut(Answer):
    """An example that was looked at, and why it was kept or dropped."""

    id: str
    headline: str
    topic: str
    score: float
    kept: bool
    reason: str


class MessageOut(Answer):
    """One message as a model would get it."""

    role: str
    content: str


class ExplainedStepOut(Answer):
    """A step with its rendered messages, where they do not depend on an earlier model call."""

    step: str
    prompt: str
    model: str
    complete: bool = Field(description="False where something is only known once an earlier step has run.")
    messages: list[MessageOut]
    tokens: int
    window: int = Field(description="Tokens the model has for prompt and answer together.")
    example_ids: list[str]
    note: str


class ExplanationOut(Answer):
    """What a pipeline would ask its models."""

    pipeline: str
    examples: list[ConsideredOut]
    steps: list[ExplainedStepOut]
    truncated: list[str]


class ComparedRiddle(RiddleOut):
    """A riddle that was made to be compared; it is not kept, so it has neither id nor date."""

    id: None = None  # type: ignore[assignment]
    created_at: None = None  # type: ignore[assignment]


class ComparedOut(Answer):
    """One pipeline's result: a riddle or a problem."""

    pipeline: str
    riddle: ComparedRiddle | None
    error: ProblemOut | None


class ComparisonOut(Answer):
    """The results side by side, in the order asked for."""

    article: ArticleOut
    results: list[ComparedOut]


def pipeline_payload(spec: "PipelineSpec", *, default: str) -> dict[str, Any]:
    """A pipeline as JSON; file paths stay with the operator."""
    return {
        "name": spec.name,
        "description": spec.description,
        "option": spec.option,
        "source": spec.source,
        "content_hash": spec.content_hash,
        "default": spec.name == default,
        "steps": [_step(step) for step in spec.steps],
        "retrieval": _retrieval(spec.retrieval) if spec.retrieval else None,
        "gate": _gate(spec.gate),
        "shot_token_share": spec.shot_token_share,
        "cache": spec.cache,
    }


def explanation_payload(explanation: "Explanation") -> dict[str, Any]:
    """An explanation as JSON."""
    return {
        "pipeline": explanation.pipeline,
        "examples": [_considered(seen) for seen in explanation.considered],
        "steps": [_explained(step) for step in explanation.steps],
        "truncated": list(explanation.truncated),
    }


def _considered(seen: "Considered") -> dict[str, Any]:
    return {
        "id": seen.id,
        "headline": seen.headline,
        "topic": seen.topic,
        "score": round(seen.score, 4),
        "kept": seen.kept,
        "reason": seen.reason,
    }


def _explained(step: "ExplainedStep") -> dict[str, Any]:
    return {
        "step": step.step,
        "prompt": step.prompt,
        "model": step.model,
        "complete": step.complete,
        "messages": [{"role": role, "content": content} for role, content in step.messages],
        "tokens": step.tokens,
        "window": step.window,
        "example_ids": list(step.example_ids),
        "note": step.note,
    }


def _step(step: "StepSpec") -> dict[str, Any]:
    return {
        "step": step.step,
        "prompt": step.prompt,
        "model": step.model,
        "fallbacks": list(step.fallbacks),
        "settings": _settings(step.settings),
        "shots": step.shots,
    }


def _settings(settings: "ModelCallSpec") -> dict[str, Any]:
    return {
        "max_tokens": settings.max_tokens,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "timeout_s": settings.timeout_s,
        "stop": list(settings.stop),
        "seed": settings.seed,
        "grammar": settings.grammar,
        "extra": dict(settings.extra),
    }


def _retrieval(spec: "RetrievalSpec") -> dict[str, Any]:
    return {
        "k": spec.k,
        "floor": spec.floor,
        "mmr_lambda": spec.mmr_lambda,
        "candidates": spec.candidates,
    }


def _gate(spec: "GateSpec") -> dict[str, Any]:
    return {
        "checks": list(spec.checks),
        "thresholds": dict(spec.thresholds),
        "attempts": spec.attempts,
        "candidates": spec.candidates,
    }
