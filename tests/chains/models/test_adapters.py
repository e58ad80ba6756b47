"""The adapters that ship: small enough for a repository, described, loaded with their model and used by the default."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from langchain_core.messages import HumanMessage

from chains.models import ChatModels, EngineSettings, ModelSettings
from chains.models.adapters import adapters_of
from chains.models.gguf_location import DEFAULT_MODEL
from chains.models.providers import Providers
from prompts import Catalog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prompts.pipeline import StepSpec

    MakeStep = Callable[..., StepSpec]

MOST_BYTES = 12_000_000


@pytest.mark.parametrize("name", adapters_of(DEFAULT_MODEL, {}))
def test_an_adapter_is_small_and_has_a_model_card(name: str) -> None:
    file = adapters_of(DEFAULT_MODEL, {})[name]
    assert 0 < file.stat().st_size <= MOST_BYTES
    card = file.with_suffix(".md").read_text(encoding="utf-8")
    for heading in ("Base model", "Data", "Hyper-parameters", "Reproduce", "Measured", "Limits"):
        assert f"## {heading}" in card


def test_the_card_names_the_prompts_that_the_default_pipeline_uses() -> None:
    card = adapters_of(DEFAULT_MODEL, {})["riddles"].with_suffix(".md").read_text(encoding="utf-8")
    trained_on = set(re.findall(r"`([a-z-]+@\d+)`", card))
    catalog = Catalog()
    steps = [step for step in catalog.pipeline("embedded").steps if step.settings.extra.get("adapter") == "riddles"]
    assert {step.step for step in steps} == {"summarize", "riddle"}
    assert {catalog.prompt(step.prompt).ref for step in steps} == trained_on


def test_an_engine_loads_the_adapters_of_its_model_with_the_operators_laid_over_them(tmp_path: Path) -> None:
    own = {"house-style": tmp_path / "h.gguf", "riddles": tmp_path / "r.gguf"}
    engine = Providers(ModelSettings(engine=EngineSettings(adapters=own))).engine(DEFAULT_MODEL)
    assert engine.settings.adapters == own
    shipped = Providers(ModelSettings()).engine(DEFAULT_MODEL)
    assert list(shipped.adapters) == ["riddles"]


def test_another_model_gets_the_operators_adapters_alone(tmp_path: Path) -> None:
    assert adapters_of("/models/other.gguf", {"mine": tmp_path / "m.gguf"}) == {"mine": tmp_path / "m.gguf"}


@pytest.mark.model
async def test_the_shipped_adapter_writes_riddles_where_the_plain_model_chats(step: MakeStep) -> None:
    models = ChatModels(ModelSettings(engine=EngineSettings(parallel=1, context=512)))
    asked = [HumanMessage("<summary>\nFog hid the runway and a hundred flights were grounded.\n</summary>\n")]

    async def ask(**extra: str) -> str:
        spec = step(f"embedded:{DEFAULT_MODEL}", max_tokens=60, temperature=0.0, timeout_s=120, extra=extra)
        return (await models.complete(spec, asked)).text

    try:
        assert re.match(r"Answer: .+\nRiddle:\n", await ask(adapter="riddles"))
        assert not (await ask()).startswith("Answer:")
    finally:
        await models.aclose()


def test_an_experiment_remembers_which_weights_it_used() -> None:
    from evaluation.experiments.records import record_pipelines

    (record,), _ = record_pipelines(Catalog(), ["embedded"], {})
    weights = record.spec["adapters"]
    assert set(weights) == {"riddles"}
    assert re.fullmatch(r"[0-9a-f]{64}", weights["riddles"])
