"""Provenance of a step once a model has answered it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain import StepRecord

if TYPE_CHECKING:
    from chains.recipe import BoundStep
    from domain import Example


def step_record(step: BoundStep, model: str, examples: tuple[Example, ...] = (), *, cached: bool = False) -> StepRecord:
    """Which prompt, which examples, which model answered, fallbacks considered, and whether it had done so before."""
    return StepRecord(
        step=step.spec.step,
        prompt=step.prompt.ref,
        model=model,
        example_ids=tuple(example.id for example in examples),
        cached=cached,
    )
