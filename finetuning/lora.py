"""A new adapter on a model, and the numbers this machine computes it with."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, get_peft_model

if TYPE_CHECKING:
    from finetuning.settings import TrainingSettings


def adapted(model: Any, settings: TrainingSettings) -> Any:
    """The model with a new adapter: B is 0, so it still answers as it did."""
    targets: Any = settings.targets if settings.targets == "all-linear" else settings.targets.split(",")
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)  # peft asks transformers by an old name
        return get_peft_model(model, config)


def computes_bf16() -> bool:
    """Whether this machine computes with bfloat16; a processor that has to emulate it is several times slower."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001 -- torch has no other word for it
