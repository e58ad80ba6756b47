"""The loss of a model on samples: mean negative log-likelihood of the answers' tokens."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from finetuning.tokens import IGNORED, Encoded, collate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Of all answer tokens together.

    Args:
        nats: Mean negative natural log-likelihood of a token.
        tokens: How many were counted.
        by_step: The same for each step.
    """

    nats: float
    tokens: int
    by_step: Mapping[str, float] = field(default_factory=dict)

    @property
    def perplexity(self) -> float:
        """Exponential of the loss: among how many equally likely tokens the model hesitates."""
        return math.exp(min(self.nats, 700.0))


def token_losses(model: Any, batch: dict[str, Any]) -> Any:
    """Negative log-likelihood of every label, 0 where it is ignored; shape (samples, longest answer).

    The output layer is computed for the answers alone: with 49,152 words it is a fifth of a small model's work.
    """
    import torch

    labels = batch["labels"]
    inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
    outputs = model(**inputs, use_cache=False, logits_to_keep=labels.shape[1] + 1)
    logits = outputs.logits[:, :-1].float()
    losses = torch.nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), labels.reshape(-1), ignore_index=IGNORED, reduction="none"
    )
    return losses.view_as(labels)


def measure(
    model: Any,
    samples: Sequence[Encoded],
    *,
    pad: int,
    batch_size: int = 8,
    autocast: Callable[[], Any] | None = None,
) -> Loss:
    """The loss of a model on samples, every token counted once.

    Args:
        model: In any mode; it is left in that mode.
        samples: At least one.
        pad: Id of the padding token.
        batch_size: Samples computed at once, of like length.
        autocast: The context to compute in.
    """
    import contextlib

    import torch

    training, device = model.training, next(model.parameters()).device
    sums: defaultdict[str, float] = defaultdict(float)
    counts: defaultdict[str, int] = defaultdict(int)
    ordered = sorted(samples, key=lambda sample: sample.length)
    model.eval()
    try:
        with torch.no_grad(), (autocast or contextlib.nullcontext)():
            for start in range(0, len(ordered), batch_size):
                batch = ordered[start : start + batch_size]
                tensors = {name: tensor.to(device) for name, tensor in collate(batch, pad).items()}
                for sample, losses in zip(batch, token_losses(model, tensors), strict=True):
                    sums[sample.step] += float(losses.sum())
                    counts[sample.step] += sample.answer_tokens
    finally:
        model.train(training)
    return Loss(
        nats=sum(sums.values()) / sum(counts.values()),
        tokens=sum(counts.values()),
        by_step={step: sums[step] / counts[step] for step in sorted(sums)},
    )
