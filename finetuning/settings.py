"""The hyper-parameters of a training run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Schedule = Literal["cosine", "linear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """How an adapter is trained; the defaults are those of the shipped adapter `riddles`.

    LoRA is Hu et al. 2021 (arXiv:2106.09685): every chosen weight matrix W becomes W + (alpha / rank) B A.

    Args:
        rank: Of A and B.
        alpha: Scale of the update, usually one or two times the rank.
        dropout: Share of the adapter's inputs set to 0 while training.
        targets: Names of the modules to adapt, joined by commas; `all-linear` is every one but the output layer.
        learning_rate: The highest; AdamW.
        weight_decay: Of A and B.
        epochs: Passes over the samples.
        max_steps: Ends earlier, after so many updates.
        minutes: Ends earlier, after so long; the schedule reaches its end by then.
        batch_size: Samples of one update.
        micro_batch_size: Samples computed at once, of like length; an update has several of them, of any length. What
            does not divide `batch_size` is made smaller until it does.
        max_length: Tokens; longer samples are left out and counted.
        schedule: How the learning rate falls to 0.
        warmup: Share of the run in which it rises.
        evaluations: How often, spread over the run, the dev loss is measured and a checkpoint kept.
        patience: Evaluations without a better dev loss after which it ends; 0 never does.
        seed: Of initialisation, order and dropout.
        precision: `auto` takes bfloat16 where the processor computes with it, else 32-bit floats.
        threads: For computing on a CPU; 0 leaves it to torch.
    """

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.1
    targets: str = "all-linear"
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.01
    epochs: float = 1.5
    max_steps: int | None = None
    minutes: float | None = None
    batch_size: int = 8
    micro_batch_size: int = 4
    max_length: int = 1024
    schedule: Schedule = "cosine"
    warmup: float = 0.06
    evaluations: int = 3
    patience: int = 2
    seed: int = 20
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    threads: int = 0

    @property
    def computed_at_once(self) -> int:
        """The largest number of samples, `micro_batch_size` at most, of which several make exactly an update."""
        most = max(1, min(self.micro_batch_size, self.batch_size))
        return next(size for size in range(most, 0, -1) if self.batch_size % size == 0)
