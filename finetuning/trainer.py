"""The `transformers` Trainer as fine-tuning uses it: answer tokens only, exact dev loss, an end by time."""

from __future__ import annotations

import contextlib
import math
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from peft import LoraConfig, get_peft_model
from torch.optim.lr_scheduler import LambdaLR
from transformers import EarlyStoppingCallback, PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from finetuning.batching import LengthBuckets
from finetuning.losses import Loss, measure, token_losses
from finetuning.tokens import Encoded, collate
from finetuning.training import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from finetuning.settings import TrainingSettings

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
        self._clock = _Clock(settings.minutes)
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

    def _build(self, train: Sequence[Encoded], on_progress: Callable[[Progress], None] | None) -> _AnswerTrainer:
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
        trainer = _AnswerTrainer(
            model=self._model,
            args=arguments,
            train_dataset=_Rows(train),
            eval_dataset=_Rows(self._dev),
            data_collator=lambda rows: collate([row["sample"] for row in rows], self._pad),
            callbacks=[_Watch(self._clock, total, on_progress)],
        )
        trainer.session = self
        trainer.order = LengthBuckets([each.length for each in train], settings.computed_at_once, settings.seed)
        trainer.measured = {}
        trainer.schedule = _Schedule(settings, total, self._clock)
        if settings.patience:
            trainer.add_callback(EarlyStoppingCallback(early_stopping_patience=settings.patience))
        trainer.remove_callback(PrinterCallback)  # `_Watch` tells
        return trainer


def computes_bf16() -> bool:
    """Whether this machine computes with bfloat16; a processor that has to emulate it is several times slower."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001 -- torch has no other word for it


class _Rows(torch.utils.data.Dataset):  # type: ignore[misc]  # torch is not typed here
    def __init__(self, samples: Sequence[Encoded]) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, at: int) -> dict[str, Any]:
        return {"sample": self._samples[at]}


class _AnswerTrainer(Trainer):  # type: ignore[misc]  # transformers is not typed here
    session: Session
    order: LengthBuckets
    schedule: _Schedule
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
        loss = self.measured[self.state.global_step] = self.session.measure()
        metrics = {"eval_loss": loss.nats, **{f"eval_{step}": nats for step, nats in loss.by_step.items()}}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:  # noqa: ARG002 -- their signature
        # a method, for the state of a callable object would be kept in checkpoints, which then do not load
        self.lr_scheduler = LambdaLR(optimizer or self.optimizer, self.schedule.factor)
        return self.lr_scheduler


class _Clock:
    """Time spent on a run, over all its parts."""

    def __init__(self, minutes: float | None) -> None:
        self._limit = minutes * 60 if minutes else None
        self._before = 0.0
        self._started: float | None = None

    def start(self, before: float) -> None:
        self._before, self._started = before, time.monotonic()

    @property
    def seconds(self) -> float:
        return self._before + (time.monotonic() - self._started if self._started is not None else 0.0)

    @property
    def done(self) -> float:
        return self.seconds / self._limit if self._limit else 0.0


class _Schedule:
    """The factor of the learning rate: up in the warm-up, then down to 0 by the last step or the last minute."""

    def __init__(self, settings: TrainingSettings, total: int, clock: _Clock) -> None:
        self._settings = settings
        self._total = total
        self._clock = clock

    def factor(self, step: int) -> float:
        done = min(max(step / self._total, self._clock.done), 1.0)
        warmup = self._settings.warmup
        if done < warmup:
            return max(done, 1 / self._total) / warmup
        left = (1 - done) / (1 - warmup)
        return left if self._settings.schedule == "linear" else 0.5 * (1 - math.cos(math.pi * left))


class _Watch(TrainerCallback):  # type: ignore[misc]  # transformers is not typed here
    """Tells how far it is, keeps the time over a resume, and ends the run when its time is over."""

    def __init__(self, clock: _Clock, total: int, on_progress: Callable[[Progress], None] | None) -> None:
        self._clock = clock
        self._total = total
        self._tell = on_progress
        self._loss: float | None = None
        self._dev_loss: float | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 -- their signature
        path = _seconds_file(args, state)
        self._clock.start(float(path.read_text()) if path.is_file() else 0.0)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 -- their signature
        _seconds_file(args, state).write_text(str(self._clock.seconds))

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ARG002
        self._loss = (logs or {}).get("loss", self._loss)
        self._dev_loss = (logs or {}).get("eval_loss", self._dev_loss)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:  # noqa: ARG002 -- their signature
        done = min(max(state.global_step / self._total, self._clock.done), 1.0)
        if self._clock.done >= 1:
            control.should_evaluate = control.should_save = control.should_training_stop = True
        if self._tell:
            self._tell(Progress(done=done, step=state.global_step, loss=self._loss, dev_loss=self._dev_loss))
        return control


def _seconds_file(args: Any, state: Any) -> Path:
    return Path(args.output_dir, f"checkpoint-{state.global_step}", "seconds.txt")


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


def _entry(log: dict[str, float]) -> dict[str, float]:
    named = {"step": log["step"]}
    for theirs, ours in (("loss", "loss"), ("eval_loss", "dev_loss"), ("learning_rate", "learning_rate")):
        if theirs in log:
            named[ours] = log[theirs]
    return named | {f"dev_{name[5:]}": log[name] for name in log if name.startswith("eval_") and name != "eval_loss"}
