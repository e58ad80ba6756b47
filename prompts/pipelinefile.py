"""Reads a pipeline file."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, get_args

from domain.article import content_hash
from prompts.pipeline import (
    CHECKS,
    DEFAULT_CHECKS,
    THRESHOLDS,
    GateSpec,
    ModelCallSpec,
    PipelineSpec,
    RetrievalSpec,
    StepName,
    StepSpec,
)
from prompts.yamlfile import Fields, Text, read_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from prompts.prompt import Source

PipelineFile = tuple[PipelineSpec, dict[StepName, int]]
"""A pipeline and the line on which each of its steps names its prompt."""

_STEPS: tuple[StepName, ...] = get_args(StepName)
_SHOT_TOKEN_SHARE = 0.6


def load_pipeline(path: Path, source: Source) -> PipelineFile:
    """The pipeline of a file, and the line of each step for complaints about its prompt.

    Raises:
        InvalidFile: With line and reason.
    """
    fields = read_yaml(path)
    name = fields.name("name")
    if path.stem != name:
        raise fields.error(f"a pipeline called {name!r} must stand in {name}.yaml", "name")
    steps, lines = _steps(fields)
    spec = PipelineSpec(
        name=name,
        description=str(fields.text("description")).strip(),
        option=str(fields.text("option", "custom")),
        steps=steps,
        gate=_gate(fields.section("gate")),
        retrieval=_retrieval(fields.section("retrieval")),
        shot_token_share=fields.number("shot_token_share", _SHOT_TOKEN_SHARE, at_least=0, at_most=1),
        cache=fields.flag("cache", default=True),
        content_hash="",
        source=source,
        path=path,
    )
    fields.done(what="a pipeline file")
    return dataclasses.replace(spec, content_hash=_hash(spec)), lines


def _steps(fields: Fields) -> tuple[tuple[StepSpec, ...], dict[StepName, int]]:
    default = _model(fields, fields.text("model")) if "model" in fields else None
    sections = fields.sections("steps")
    steps = tuple(_step(section, default) for section in sections)
    lines: dict[StepName, int] = {}
    for section, step in zip(sections, steps, strict=True):
        if step.step in lines:
            raise section.error(f"the step {step.step!r} stands twice: remove one", "step")
        lines[step.step] = section.error("", "prompt").line or 1
    if lines.keys() - {"condense"} not in ({"summarize", "riddle"}, {"summary_riddle"}):
        reason = (
            "a pipeline has the steps summarize and riddle, or the one step summary_riddle (and condense with either)"
        )
        raise fields.error(reason, "steps")
    return steps, lines


def _step(section: Fields, default: str | None) -> StepSpec:
    name = section.choice("step", _STEPS)
    settings = section.section("settings")
    if settings is None:
        raise section.error("settings is missing: give at least max_tokens")
    spec = StepSpec(
        step=next(step for step in _STEPS if step == name),
        prompt=str(section.text("prompt")),
        model=_model(section, section.text("model", default)),
        fallbacks=tuple(_model(section, each) for each in section.texts("fallbacks")),
        settings=_settings(settings),
        shots=section.whole("shots", at_least=0, at_most=64) if "shots" in section else None,
    )
    section.done(what="a step")
    return spec


def _model(fields: Fields, name: Text) -> str:
    provider, _, model = name.partition(":")
    if not provider.strip() or not model.strip():
        raise fields.error(f"the model {str(name)!r} must be provider:model, like 'openai:gpt-5.4-mini'", "model")
    return str(name)


def _settings(fields: Fields) -> ModelCallSpec:
    spec = ModelCallSpec(
        max_tokens=fields.whole("max_tokens", at_least=1, at_most=1_000_000),
        temperature=_optional(fields, "temperature", at_most=2),
        top_p=_optional(fields, "top_p", at_most=1),
        timeout_s=fields.number("timeout_s", 60.0, at_least=0.001, at_most=86_400),
        stop=tuple(str(text) for text in fields.texts("stop")),
        seed=fields.whole("seed", at_least=0, at_most=2**31 - 1) if "seed" in fields else None,
        grammar=fields.name("grammar") if "grammar" in fields else None,
        extra=_extra(fields.section("extra")),
    )
    fields.done(what="settings")
    return spec


def _optional(fields: Fields, key: str, *, at_most: float) -> float | None:
    return fields.number(key, -1.0, at_least=0, at_most=at_most) if fields.has_value(key) else None


def _extra(fields: Fields | None) -> dict[str, str | int | float | bool]:
    return {} if fields is None else {key: fields.scalar(key) for key in fields.keys()}  # noqa: SIM118 - no mapping


def _retrieval(fields: Fields | None) -> RetrievalSpec | None:
    if fields is None:
        return None
    spec = RetrievalSpec(
        k=fields.whole("k", at_least=1, at_most=64),
        floor=fields.number("floor", 0.0, at_least=-1, at_most=1),
        mmr_lambda=fields.number("mmr_lambda", 0.7, at_least=0, at_most=1),
        candidates=fields.whole("candidates", 24, at_least=1, at_most=1000),
    )
    fields.done(what="retrieval")
    if spec.candidates < spec.k:
        raise fields.error(f"candidates ({spec.candidates}) must be at least k ({spec.k})", "candidates")
    return spec


def _gate(fields: Fields | None) -> GateSpec:
    if fields is None:
        return GateSpec()
    checks = tuple(str(check) for check in fields.texts("checks")) if "checks" in fields else DEFAULT_CHECKS
    for check in checks:
        if check not in CHECKS:
            raise fields.error(f"there is no check {check!r}: there are {', '.join(CHECKS)}", "checks")
    spec = GateSpec(
        checks=checks,
        thresholds=_thresholds(fields.section("thresholds")),
        attempts=fields.whole("attempts", 1, at_least=1, at_most=20),
        candidates=fields.whole("candidates", 1, at_least=1, at_most=32),
    )
    fields.done(what="the gate")
    return spec


def _thresholds(fields: Fields | None) -> dict[str, float]:
    if fields is None:
        return {}
    own = {key: fields.number(key, at_least=0, at_most=10_000) for key in THRESHOLDS if fields.has_value(key)}
    fields.done(what="thresholds")
    return own


def _hash(spec: PipelineSpec) -> str:
    values = dataclasses.asdict(spec)
    for unseen in ("description", "cache", "content_hash", "source", "path"):
        del values[unseen]
    return content_hash(json.dumps(values, sort_keys=True))
