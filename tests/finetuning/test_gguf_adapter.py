"""The adapter in the embedded engine says what it says in `transformers`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import HumanMessage

from chains.models import ChatModels, EngineSettings, ModelSettings
from chains.models.gguf_location import DEFAULT_MODEL
from finetuning.errors import ExportFailed
from finetuning.exporting import export_gguf
from finetuning.settings import TrainingSettings
from prompts import ModelCallSpec, StepSpec

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.local, pytest.mark.model]

QUESTIONS = ("Name a colour.", "What falls from clouds?", "Say hello to a sailor.", "Where do trains stop?")
TOKENS = 12


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    from finetuning.base_model import load_model

    return load_model(DEFAULT_MODEL, cache=tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def adapted(base: tuple[Any, Any]) -> Any:
    """The model with an adapter that speaks: B is not 0."""
    import torch

    from finetuning.trainer import adapted

    model = adapted(base[0], replace(TrainingSettings(), rank=8, alpha=16, dropout=0.0)).eval()
    torch.manual_seed(3)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.004)
    return model


@pytest.fixture(scope="module")
def folder(adapted: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adapter")
    adapted.save_pretrained(folder)
    return folder


def in_transformers(model: Any, tokenizer: Any, question: str) -> str:
    import torch

    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], tokenize=False, add_generation_prompt=True
    )
    inputs = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
    with torch.no_grad():
        made = model.generate(**inputs, max_new_tokens=TOKENS, do_sample=False)
    return str(tokenizer.decode(made[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)).strip()


async def in_the_engine(models: ChatModels, question: str, adapter: str | None) -> str:
    extra = {"adapter": adapter} if adapter else {}
    settings = ModelCallSpec(max_tokens=TOKENS, temperature=0.0, timeout_s=120, extra=extra)
    step = StepSpec(step="riddle", prompt="riddle", model=f"embedded:{DEFAULT_MODEL}", settings=settings)
    return (await models.complete(step, [HumanMessage(question)])).text.strip()


def agreement(first: str, second: str) -> float:
    """Share of the longer text's words that both begin with."""
    ours, theirs = first.split(), second.split()
    same = next(
        (at for at, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]),
        min(len(ours), len(theirs)),
    )
    return same / max(len(ours), len(theirs), 1)


async def test_greedy_answers_agree_between_both_engines(
    base: tuple[Any, Any], adapted: Any, folder: Path, tmp_path: Path
) -> None:
    file = export_gguf(folder, DEFAULT_MODEL, tmp_path / "adapter.gguf", half=False)
    models = ChatModels(ModelSettings(engine=EngineSettings(parallel=1, context=256, adapters={"spoken": file})))
    try:
        ours = [await in_the_engine(models, question, "spoken") for question in QUESTIONS]
        plain = [await in_the_engine(models, question, None) for question in QUESTIONS]
    finally:
        await models.aclose()
    theirs = [in_transformers(adapted, base[1], question) for question in QUESTIONS]
    agreed = sum(map(agreement, ours, theirs)) / len(QUESTIONS)
    unlike = sum(map(agreement, ours, plain)) / len(QUESTIONS)
    assert agreed >= 0.6, (ours, theirs)
    assert unlike < agreed - 0.2, (ours, plain)


def test_every_tensor_is_there_and_half_precision_halves_the_file(folder: Path, tmp_path: Path) -> None:
    import gguf
    from safetensors.numpy import load_file

    full = export_gguf(folder, DEFAULT_MODEL, tmp_path / "full.gguf", half=False)
    half = export_gguf(folder, DEFAULT_MODEL, tmp_path / "half.gguf")
    weights = load_file(folder / "adapter_model.safetensors")
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(full).tensors}
    assert len(tensors) == len(weights) == 2 * 7 * 30
    untouched = weights["base_model.model.model.layers.3.mlp.down_proj.lora_B.weight"]
    assert (tensors["blk.3.ffn_down.weight.lora_b"].data.reshape(untouched.shape) == untouched).all()
    assert 1.9 < full.stat().st_size / half.stat().st_size < 2.1


def test_an_adapter_of_another_kind_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(
        json.dumps(json.loads((folder / "adapter_config.json").read_text()) | {"use_dora": True})
    )
    with pytest.raises(ExportFailed, match="use_dora"):
        export_gguf(tmp_path, DEFAULT_MODEL, tmp_path / "x.gguf")


def test_an_adapter_of_another_model_is_refused(tiny: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportFailed, match="goes with a GGUF model"):
        export_gguf(folder, str(tiny), tmp_path / "x.gguf")


def test_the_shipped_adapter_is_known_for_its_model_alone(tmp_path: Path) -> None:
    from chains.models.adapters import SHIPPED, adapters_of

    mine = tmp_path / "mine.gguf"
    assert adapters_of("other.gguf", {"mine": mine}) == {"mine": mine}
    assert adapters_of(DEFAULT_MODEL, {"riddles": mine}) == {"riddles": mine}
    assert all(owner == DEFAULT_MODEL for owner, _ in SHIPPED.values())
