"""The pipeline as data: which steps, prompts and models, what is retrieved, and what the gate demands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from prompts.prompt import Source

StepName = Literal["summarize", "riddle", "summary_riddle", "condense"]

STEP_VARIABLES: Mapping[StepName, frozenset[str]] = {
    "summarize": frozenset({"title", "article"}),
    "riddle": frozenset({"title", "article", "summary"}),
    "summary_riddle": frozenset({"title", "article"}),
    "condense": frozenset({"title", "section"}),
}
"""What each step offers to its prompt. A prompt declares those it uses; `title` is empty for an article without one."""

DEFAULT_CHECKS = ("format", "form", "leakage", "grounding", "copying", "safety")
"""The checks of a pipeline that names none."""

CHECKS = (*DEFAULT_CHECKS, "guessable")
"""The gate's checks, by name."""

THRESHOLDS = (
    "min_lines",
    "max_lines",
    "min_words",
    "max_words",
    "max_line_words",
    "min_answer_words",
    "max_answer_words",
    "min_hints",
    "max_hints",
    "max_hint_words",
    "max_echoed_words",
    "max_summary_share",
    "max_copied_words",
    "max_copied_share",
    "max_title_run",
    "spelled_from",
    "max_guess_rank",
)
"""The numbers that a pipeline may give to the gate's checks, which know what each means and its default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCallSpec:
    """How a model is called.

    Args:
        max_tokens: At most so many output tokens.
        temperature: None leaves it to the provider, as reasoning models demand.
        top_p: None leaves it to the provider.
        timeout_s: For one call, in seconds.
        stop: Texts that end the answer.
        seed: For providers that repeat themselves on the same seed.
        grammar: Name of a GBNF grammar file (`riddle` is `grammars/riddle.gbnf`); only the embedded engine has them.
        grammar_text: The grammar itself, which the catalog fills in.
        extra: More arguments for the provider, passed on as they are.
    """

    max_tokens: int
    temperature: float | None = None
    top_p: float | None = None
    timeout_s: float = 60.0
    stop: tuple[str, ...] = ()
    seed: int | None = None
    grammar: str | None = None
    grammar_text: str | None = None
    extra: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSpec:
    """One model call of a pipeline.

    Args:
        step: What it does.
        prompt: `name` for the latest version or `name@version`.
        model: `provider:model`.
        fallbacks: Models tried in this order when `model` fails.
        settings: How the model is called.
        shots: Show at most so many examples, the most similar ones; None shows all that were selected and fit.
    """

    step: StepName
    prompt: str
    model: str
    settings: ModelCallSpec
    fallbacks: tuple[str, ...] = ()
    shots: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalSpec:
    """Which examples are looked up.

    Args:
        k: At most so many.
        floor: Least cosine similarity to the article, -1 to 1.
        mmr_lambda: 1 is pure relevance, 0 pure diversity (maximal marginal relevance, Carbonell and Goldstein 1998).
        candidates: How many nearest ones the k are chosen from.
    """

    k: int
    floor: float = 0.0
    mmr_lambda: float = 0.7
    candidates: int = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSpec:
    """What a riddle must pass, and how often a model may try.

    Args:
        checks: Names of the checks that must pass, of `CHECKS`.
        thresholds: The pipeline's own numbers for some of `THRESHOLDS`; the checks have defaults for the others.
        attempts: Tries of the riddle step, the first included.
        candidates: Riddles made side by side in each attempt; the best that passes wins.
    """

    checks: tuple[str, ...] = DEFAULT_CHECKS
    thresholds: Mapping[str, float] = field(default_factory=dict)
    attempts: int = 1
    candidates: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSpec:
    """A named recipe.

    Args:
        name: Lower-case words joined by hyphens.
        description: What it is and when to use it.
        option: Which of the four ways it stands for, such as `LLM as a service`.
        steps: `summarize` and `riddle`, or `summary_riddle`; `condense` for articles longer than the window.
        gate: What a riddle must pass.
        retrieval: None shows no examples.
        cache: Whether answers of models may be remembered and given again to the very same question.
        shot_token_share: Share of the window's room (after answer and fixed text) that examples may take, 0 to 1.
        content_hash: SHA-256 of all that makes a riddle what it is: not of description and cache.
        source: Whether it came with the package or is the user's own.
        path: The file.
    """

    name: str
    description: str
    option: str
    steps: tuple[StepSpec, ...]
    gate: GateSpec
    retrieval: RetrievalSpec | None
    shot_token_share: float
    content_hash: str
    source: Source
    path: Path
    cache: bool = True

    def step(self, name: StepName) -> StepSpec | None:
        """The step of that name, if the pipeline has it."""
        return next((step for step in self.steps if step.step == name), None)
