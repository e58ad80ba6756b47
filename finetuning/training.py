"""Trains a LoRA adapter with `peft` and the `transformers` Trainer."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from finetuning.base_model import load_model
from finetuning.errors import TooFewSamples
from finetuning.tokens import encode, shorter_than

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from finetuning.losses import Loss
    from finetuning.sample import Sample
    from finetuning.settings import TrainingSettings
    from finetuning.tokens import Encoded

ADAPTER: Final = "adapter"
"""Folder of the finished PEFT adapter inside a run's folder."""

REPORT: Final = "training.json"
"""What a run was and what came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is.

    Args:
        done: 0 to 1, of its steps or its time, whichever ends first.
        step: Updates made.
        loss: Of the last updates; None before the first.
        dev_loss: Of the last evaluation; None before the first.
    """

    done: float
    step: int
    loss: float | None = None
    dev_loss: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What came of a run; everything of it is also in its `training.json`.

    Args:
        folder: The run's folder; the adapter is in its `adapter`.
        before: Dev loss of the plain model.
        after: Dev loss of the best checkpoint, which is the one kept.
        steps: Updates made.
        seconds: Of training, evaluations included, over all parts of a run that was resumed.
        history: Entries with `step` and `loss` or `dev_loss`, in order.
    """

    folder: Path
    before: Loss
    after: Loss
    steps: int
    seconds: float
    history: tuple[dict[str, float], ...]


def train(
    samples: Sequence[Sample],
    *,
    base: str,
    folder: Path,
    cache: Path,
    settings: TrainingSettings,
    resume: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Trained:
    """Train an adapter on the samples of the train split, and keep the state with the least loss on the dev split.

    Uses a GPU when torch sees one. A run that was killed goes on from its last checkpoint with `resume`.

    Args:
        samples: Of both splits.
        base: See `finetuning.base_model.load_model`.
        folder: Of this run; checkpoints, `training.json` and the adapter go there.
        cache: Where converted base models are kept.
        settings: Hyper-parameters.
        resume: Go on from the last checkpoint, if there is one.
        on_progress: Told after every update.
        say: Told what takes long.

    Raises:
        MissingExtra: A package is not installed.
        UnknownModelName: The base model cannot be loaded.
        TooFewSamples: A split is empty.
    """
    from finetuning.session import Session

    tell = say or (lambda _: None)
    tell(f"Loading {base} …")
    model, tokenizer = load_model(base, cache=cache, say=say)
    sets = {
        split: shorter_than(
            [encode(sample, tokenizer) for sample in samples if sample.split == split], settings.max_length
        )
        for split in ("train", "dev")
    }
    for split, encoded in sets.items():
        if not encoded:
            raise TooFewSamples(split, 0)
    folder.mkdir(parents=True, exist_ok=True)
    session = Session(model, tokenizer, sets["train"], sets["dev"], folder, settings, on_progress)
    tell("Measuring the plain model …")
    before = session.measure()
    tell("Training …")
    after = session.run(resume=resume)
    session.save(folder / ADAPTER)
    trained = Trained(
        folder=folder,
        before=before,
        after=after,
        steps=session.steps,
        seconds=round(session.seconds, 1),
        history=tuple(session.history),
    )
    _write_report(
        trained, base=base, settings=settings, sets=sets, left_out=len(samples) - sum(map(len, sets.values()))
    )
    return trained


def _write_report(
    trained: Trained,
    *,
    base: str,
    settings: TrainingSettings,
    sets: dict[str, list[Encoded]],
    left_out: int,
) -> None:
    from importlib.metadata import version

    report = {
        "base": base,
        "settings": asdict(settings),
        "samples": {split: len(encoded) for split, encoded in sets.items()},
        "tokens": {split: sum(sample.length for sample in encoded) for split, encoded in sets.items()},
        "too_long": left_out,
        "before": asdict(trained.before) | {"perplexity": trained.before.perplexity},
        "after": asdict(trained.after) | {"perplexity": trained.after.perplexity},
        "steps": trained.steps,
        "seconds": trained.seconds,
        "versions": {name: version(name) for name in ("torch", "transformers", "peft")},
        "history": trained.history,
    }
    (trained.folder / REPORT).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
