"""One training run over one model, as fine-tuning uses the library's Trainer: resumable, and ended by steps or time."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any, Final

import torch
from transformers import EarlyStoppingCallback, PrinterCallback, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from finetuning.answer_trainer import AnswerTrainer, Rows
from finetuning.batching import LengthBuckets
from finetuning.lora import adapted, computes_bf16
from finetuning.losses import Loss, measure
from finetuning.pacing import Clock, Schedule
from finetuning.tokens import Encoded, collate
from finetuning.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from finetuning.settings import TrainingSettings
    from finetuning.training import Progress

_CHECKPOINTS: Final = "checkpoints"


class Session:
    """One training run over one model."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        train: Sequence[Encoded],
        dev: Sequence[Encoded],
        folder: Path,
        settings: TrainingSettings,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        if settings.threads:
            torch.set_num_threads(settings.threads)
        torch.manual_seed(settings.seed)
        self._pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        self._dev = dev
        self._settings = settings
        self._folder = folder
        self._tokenizer = tokenizer
        self._cuda = torch.cuda.is_available()
        self._bf16 = settings.precision == "bf16" or (settings.precision == "auto" and computes_bf16())
        # frozen weights are not cast anew in every update (a sixth of its time); the adapter stays in 32-bit floats
        frozen = torch.bfloat16 if self._bf16 else model.dtype
        self._model = adapted(model.to("cuda" if self._cuda else "cpu", frozen), settings)
        self._clock = Clock(settings.minutes)
        self._trainer = self._build(train, on_progress)

    @property
    def steps(self) -> int:
        """Updates made."""
        return int(self._trainer.state.global_step)

    @property
    def seconds(self) -> float:
        """Of training, those before a resume included."""
        return self._clock.seconds

    @property
    def history(self) -> list[dict[str, float]]:
        """Losses by step."""
        return [_entry(log) for log in self._trainer.state.log_history if "loss" in log or "eval_loss" in log]

    def measure(self) -> Loss:
        """The dev loss as the model is now."""
        return measure(self._model, self._dev, pad=self._pad, batch_size=16, autocast=self._autocast)

    def run(self, *, resume: bool) -> Loss:
        """Train to the end; gives the dev loss of the checkpoint that the model is left at."""
        checkpoints = self._folder / _CHECKPOINTS
        last = get_last_checkpoint(str(checkpoints)) if resume and checkpoints.is_dir() else None
        self._trainer.train(resume_from_checkpoint=last)
        best = self._trainer.state.best_global_step
        return self._trainer.measured.get(best) or self.measure()

    def save(self, folder: Path) -> None:
        """Keep the adapter in PEFT's form, with the tokenizer."""
        self._model.save_pretrained(folder)
        self._tokenizer.save_pretrained(folder)

    def _autocast(self) -> Any:
        if not self._bf16:
            return contextlib.nullcontext()
        return torch.autocast("cuda" if self._cuda else "cpu", dtype=torch.bfloat16)

    def _build(self, train: Sequence[Encoded], on_progress: Callable[[Progress], None] | None) -> AnswerTrainer:
        settings = self._settings
        updates = math.ceil(len(train) / settings.batch_size)
        total = max(1, math.ceil(updates * settings.epochs))
        if settings.max_steps is not None:
            total = min(total, settings.max_steps)
        every = max(1, math.ceil(total / max(settings.evaluations, 1)))
        arguments = TrainingArguments(
            output_dir=str(self._folder / _CHECKPOINTS),
            max_steps=total,
            per_device_train_batch_size=settings.computed_at_once,
            gradient_accumulation_steps=settings.batch_size // settings.computed_at_once,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            bf16=self._bf16,
            use_cpu=not self._cuda,
            seed=settings.seed,
            data_seed=settings.seed,
            eval_strategy="steps",
            eval_steps=every,
            save_strategy="steps",
            save_steps=every,
            save_total_limit=2,
            load_best_model_at_end=True,
            metric_for_best_model="eval_loss",
            greater_is_better=False,
            logging_strategy="steps",
            logging_steps=max(1, total // 100),
            logging_first_step=True,
            report_to=[],
            disable_tqdm=True,
            remove_unused_columns=False,
            dataloader_pin_memory=self._cuda,
            log_level="error",
        )
        trainer = AnswerTrainer(
            model=self._model,
            args=arguments,
            train_dataset=Rows(train),
            eval_dataset=Rows(self._dev),
            data_collator=lambda rows: collate([row["sample"] for row in rows], self._pad),
            callbacks=[Watch(self._clock, total, on_progress)],
        )
        trainer.dev_loss = self.measure
        trainer.order = LengthBuckets([each.length for each in train], settings.computed_at_once, settings.seed)
        trainer.measured = {}
        trainer.schedule = Schedule(settings, total, self._clock)
        if settings.patience:
            trainer.add_callback(EarlyStoppingCallback(early_stopping_patience=settings.patience))
        trainer.remove_callback(PrinterCallback)  # `Watch` tells
        return trainer


def _entry(log: dict[str, float]) -> dict[str, float]:
    named = {"step": log["step"]}
    for theirs, ours in (("loss", "loss"), ("eval_loss", "dev_loss"), ("learning_rate", "learning_rate")):
        if theirs in log:
            named[ours] = log[theirs]
    return named | {f"dev_{name[5:]}": log[name] for name in log if name.startswith("eval_") and name != "eval_loss"}
