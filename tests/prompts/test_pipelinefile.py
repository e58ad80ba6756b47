"""Everything that can be wrong with a pipeline file is refused with the line, the reason and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain.errors import InvalidFile
from prompts.pipeline import CHECKS, DEFAULT_CHECKS, THRESHOLDS
from prompts.pipelinefile import load_pipeline
from tests.prompts.files import PIPELINE, write

if TYPE_CHECKING:
    from pathlib import Path

GOOD = PIPELINE.format(name="mine", prompt="riddle")


def refused(tmp_path: Path, text: str) -> InvalidFile:
    with pytest.raises(InvalidFile) as caught:
        load_pipeline(write(tmp_path / "mine.yaml", text), "user")
    return caught.value


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("name: mine", "name: yours", 1, "a pipeline called 'yours' must stand in yours.yaml"),
        ("scripted:test", "gpt-5", 3, "the model 'gpt-5' must be provider:model"),
        ("model: scripted:test\n", "", 4, "model is missing"),
        ("step: riddle", "step: rhyme", 8, "step 'rhyme' must be one of summarize, riddle, summary_riddle, condense"),
        ("step: riddle", "step: summarize", 8, "the step 'summarize' stands twice"),
        ("step: riddle", "step: condense", 4, "has the steps summarize and riddle, or the one step summary_riddle"),
        ("step: riddle", "step: summary_riddle", 4, "or the one step summary_riddle"),
        ("prompt: riddle", "promt: riddle", 8, "prompt is missing"),
        ("{max_tokens: 10}", "{}", 7, "max_tokens is missing"),
        ("{max_tokens: 10}", "{max_tokens: ten}", 7, "max_tokens must be a whole number, not text"),
        ("{max_tokens: 10}", "{max_tokens: 10, temperature: 3}", 7, "temperature must be from 0 to 2, not 3"),
        ("{max_tokens: 10}", "{max_tokens: 10, top_k: 3}", 7, "settings knows no key 'top_k': did you mean 'top_p'?"),
        ("{max_tokens: 10}", "[max_tokens]", 7, "must be a mapping of keys to values"),
        ("steps:", "retrieval: {k: 4, candidates: 2}\nsteps:", 4, "candidates (2) must be at least k (4)"),
        ("steps:", "retrieval: {k: 0}\nsteps:", 4, "k must be from 1 to 64, not 0"),
        ("steps:", "gate: {checks: [leakage, luck]}\nsteps:", 4, "there is no check 'luck': there are format, form,"),
        ("steps:", "gate: {attempts: 0}\nsteps:", 4, "attempts must be from 1 to 20, not 0"),
        ("steps:", "gate: {thresholds: {max_line: 3}}\nsteps:", 4, "did you mean 'max_lines'?"),
    ],
)
def test_refusal_tells_line_and_reason(tmp_path: Path, old: str, new: str, line: int, reason: str) -> None:
    assert old in GOOD
    error = refused(tmp_path, GOOD.replace(old, new, 1))
    assert error.line == line
    assert reason in error.reason


def test_what_is_not_said_has_defaults(tmp_path: Path) -> None:
    spec, lines = load_pipeline(write(tmp_path / "mine.yaml", GOOD), "user")
    assert (spec.option, spec.retrieval, spec.gate.attempts, spec.gate.candidates) == ("custom", None, 1, 1)
    assert spec.gate.checks == DEFAULT_CHECKS
    assert spec.gate.thresholds == {}
    assert lines == {"summarize": 6, "riddle": 9}


def test_all_settings_are_read(tmp_path: Path) -> None:
    settings = (
        "{max_tokens: 20, temperature: 0, top_p: 0.5, timeout_s: 3, stop: ['###'], seed: 7, grammar: riddle, "
        "extra: {reasoning_effort: low, n: 2, ratio: 0.5, on: true}}"
    )
    spec, _ = load_pipeline(write(tmp_path / "mine.yaml", GOOD.replace("{max_tokens: 10}", settings, 1)), "user")
    call = spec.steps[0].settings
    assert (call.max_tokens, call.temperature, call.top_p, call.timeout_s) == (20, 0.0, 0.5, 3.0)
    assert (call.stop, call.seed, call.grammar) == (("###",), 7, "riddle")
    assert call.extra == {"reasoning_effort": "low", "n": 2, "ratio": 0.5, "on": True}


def test_only_the_thresholds_that_are_given_are_set(tmp_path: Path) -> None:
    text = GOOD.replace("steps:", "gate: {thresholds: {max_lines: 4, max_copied_share: 0.3}}\nsteps:")
    spec, _ = load_pipeline(write(tmp_path / "mine.yaml", text), "user")
    assert spec.gate.thresholds == {"max_lines": 4.0, "max_copied_share": 0.3}


def test_gate_knows_every_threshold_that_a_file_may_set_and_every_check() -> None:
    from chains.gate.gate import _CHECKS, FORMAT

    assert set(CHECKS) == set(_CHECKS) | {FORMAT}
    assert set(THRESHOLDS) <= {field for check in _CHECKS.values() for field in check.__dataclass_fields__}


def test_step_can_have_a_model_of_its_own_and_fallbacks(tmp_path: Path) -> None:
    own = "prompt: riddle\n    model: openai:other\n    fallbacks: [ollama:x, scripted:y]\n    shots: 2"
    spec, _ = load_pipeline(write(tmp_path / "mine.yaml", GOOD.replace("prompt: riddle", own)), "user")
    assert [step.model for step in spec.steps] == ["scripted:test", "openai:other"]
    assert (spec.steps[1].fallbacks, spec.steps[1].shots) == (("ollama:x", "scripted:y"), 2)


def test_content_hash_ignores_the_description_but_no_setting(tmp_path: Path) -> None:
    def hash_of(text: str) -> str:
        return load_pipeline(write(tmp_path / "mine.yaml", text), "user")[0].content_hash

    assert hash_of(GOOD.replace("For tests.", "Other.")) == hash_of(GOOD)
    assert hash_of(GOOD.replace("10", "11", 1)) != hash_of(GOOD)
