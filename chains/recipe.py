"""A pipeline's files as they stand at this moment: one riddle is made from one recipe, whatever is edited meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain import Example
    from prompts import Catalog, PipelineSpec, Prompt, StepSpec


@dataclass(frozen=True, slots=True)
class BoundStep:
    """A step with the prompt it names, and the share of its model's window that examples may take."""

    spec: StepSpec
    prompt: Prompt
    shot_token_share: float = 1.0

    def values(self, offered: Mapping[str, str]) -> dict[str, str]:
        """Of what the step offers, the variables that the prompt declares."""
        return {name: offered[name] for name in self.prompt.variables}

    @property
    def shows_examples(self) -> bool:
        """Whether this step shows any."""
        return self.prompt.shows_examples and self.spec.shots != 0

    def shown(self, examples: tuple[Example, ...]) -> tuple[Example, ...]:
        """The most similar of the selected examples, as many as this step shows at most."""
        if not self.shows_examples:
            return ()
        return examples if self.spec.shots is None else examples[max(len(examples) - self.spec.shots, 0) :]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A pipeline with all its prompts.

    Either `riddle` follows `summarize`, or `summary_riddle` does both in one model call.
    `condense` is there when the pipeline says how articles longer than the window are shortened.
    """

    spec: PipelineSpec
    steps: tuple[BoundStep, ...]

    @classmethod
    def read(cls, catalog: Catalog, name: str) -> Recipe:
        """The current recipe of the pipeline `name`.

        Raises:
            NotFound: No such pipeline, or it names a prompt that is not there.
        """
        catalog.refresh()
        spec = catalog.pipeline(name)
        steps = (BoundStep(step, catalog.prompt(step.prompt), spec.shot_token_share) for step in spec.steps)
        return cls(spec, tuple(steps))

    def seeded(self, seed: int) -> Recipe:
        """The same recipe with one seed for every step, so that a run can be repeated where providers have seeds."""
        steps = (
            replace(bound, spec=replace(bound.spec, settings=replace(bound.spec.settings, seed=seed)))
            for bound in self.steps
        )
        return replace(self, steps=tuple(steps))

    def step(self, kind: str) -> BoundStep | None:
        """The step of that kind, if the pipeline has one."""
        return next((bound for bound in self.steps if bound.spec.step == kind), None)

    def riddle_step(self) -> BoundStep:
        """The step that writes the riddle: `riddle`, or `summary_riddle` in one-step pipelines; files have one."""
        step = self.step("riddle") or self.step("summary_riddle")
        assert step is not None
        return step
