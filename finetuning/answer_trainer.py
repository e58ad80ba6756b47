"""`transformers`' Trainer with a loss over answer tokens, an exact dev loss, and samples of like length together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.optim.lr_scheduler import LambdaLR
from transformers import Trainer

from finetuning.losses import token_losses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from finetuning.batching import LengthBuckets
    from finetuning.losses import Loss
    from finetuning.pacing import Schedule
    from finetuning.tokens import Encoded


class Rows(torch.utils.data.Dataset):  # type: ignore[misc]  # torch is not typed here
    """Samples in the form that the library's data loader asks for."""

    def __init__(self, samples: Sequence[Encoded]) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, at: int) -> dict[str, Any]:
        return {"sample": self._samples[at]}


class AnswerTrainer(Trainer):  # type: ignore[misc]  # transformers is not typed here
    """Its attributes are set after it is made, for the library's constructor takes none of ours.

    Args:
        dev_loss: Measures the model as it is.
        order: In which the samples come.
        schedule: Of the learning rate.
        measured: The dev losses by step, filled as they are measured.
    """

    dev_loss: Callable[[], Loss]
    order: LengthBuckets
    schedule: Schedule
    measured: dict[int, Loss]
    control: Any

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        losses = token_losses(model, inputs)
        count = num_items_in_batch if num_items_in_batch is not None else (inputs["labels"] >= 0).sum()
        loss = losses.sum() / count
        return (loss, None) if return_outputs else loss

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthBuckets:  # noqa: ARG002 -- their signature
        return self.order

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        loss = self.measured[self.state.global_step] = self.dev_loss()
        metrics = {"eval_loss": loss.nats, **{f"eval_{step}": nats for step, nats in loss.by_step.items()}}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:  # noqa: ARG002 -- their signature
        # a method, for the state of a callable object would be kept in checkpoints, which then do not load
        self.lr_scheduler = LambdaLR(optimizer or self.optimizer, self.schedule.factor)
        return self.lr_scheduler
