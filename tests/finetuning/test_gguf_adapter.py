"""The adapter in the embedded engine says what it says in `transformers`."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from chains.models import EngineSettings
from chains.models.engine import Engine
from chains.models.gguf_location import DEFAULT_MODEL, locate_gguf
from finetuning.errors import ExportFailed
from finetuning.exporting import export_gguf
from finetuning.settings import TrainingSettings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.local, pytest.mark.model]

QUESTIONS = (
    "Name a colour.",
    "What falls from clouds?",
    "Say hello to a sailor.",
    "Where do trains stop?",
    "Count to three.",
    "Who wrote Hamlet?",
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    from finetuning.base_model import load_model

    return load_model(DEFAULT_MODEL, cache=tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def adapted(base: tuple[Any, Any]) -> Any:
    """The model with an adapter that speaks: B is not 0."""
    import torch

    from finetuning.lora import adapted

    model = adapted(base[0], replace(TrainingSettings(), rank=8, alpha=16, dropout=0.0)).eval()
    torch.manual_seed(3)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.15)
    return model


@pytest.fixture(scope="module")
def folder(adapted: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adapter")
    adapted.save_pretrained(folder)
    return folder


def in_transformers(model: Any, tokenizer: Any, prompt: str) -> dict[int, float]:
    """Log-probability of each possible next token."""
    import torch

    inputs = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
    with torch.no_grad():
        likely = torch.log_softmax(model(**inputs).logits[0, -1].float(), -1)
    return dict(enumerate(likely.tolist()))


def in_the_engine(engine: Engine, prompt: str, scale: float) -> dict[int, float]:
    """Log-probability of the likeliest next tokens, with the adapter at a scale."""
    task = {
        "prompt": prompt,
        "n_predict": 1,
        "n_probs": 8,
        "temperature": 0,
        "lora": [{"id": number, "scale": scale} for number in engine.adapters.values()],
    }
    headers = {"authorization": f"Bearer {engine.api_key}", "content-type": "application/json"}
    request = urllib.request.Request(f"{engine.start()}/completion", json.dumps(task).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        (first,) = json.load(response)["completion_probabilities"]
    return {token["id"]: token["logprob"] for token in first["top_logprobs"]}


def distance(found: dict[int, float], expected: dict[int, float]) -> float:
    """Mean difference of log-probabilities over the likeliest tokens."""
    return sum(abs(value - expected[token]) for token, value in found.items()) / len(found)


def greedy(likely: dict[int, float]) -> int:
    return max(likely, key=lambda token: likely[token])


def test_greedy_answers_agree_between_both_engines(
    base: tuple[Any, Any], adapted: Any, folder: Path, tmp_path: Path
) -> None:
    file = export_gguf(folder, DEFAULT_MODEL, tmp_path / "adapter.gguf", half=False)
    engine = Engine(locate_gguf(DEFAULT_MODEL), EngineSettings(parallel=1, context=256, adapters={"spoken": file}))
    prompts = [
        base[1].apply_chat_template([{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True)
        for text in QUESTIONS
    ]
    try:
        ours = [in_the_engine(engine, prompt, 1.0) for prompt in prompts]
        plain = [in_the_engine(engine, prompt, 0.0) for prompt in prompts]
    finally:
        engine.close()
    theirs = [in_transformers(adapted, base[1], prompt) for prompt in prompts]
    same = sum(greedy(mine) == greedy(other) for mine, other in zip(ours, theirs, strict=True))
    apart = sum(map(distance, ours, theirs)) / len(prompts)
    without = sum(map(distance, plain, theirs)) / len(prompts)
    assert same >= len(prompts) - 1
    assert apart < 0.25
    assert without > 3 * apart  # the adapter did change what the model says


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
