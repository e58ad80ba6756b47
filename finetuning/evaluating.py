"""What an adapter changed: the loss on the dev split of the plain model and of the tuned one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from finetuning.base_model import load_model, with_adapter
from finetuning.errors import TooFewSamples
from finetuning.losses import Loss, measure
from finetuning.tokens import encode, shorter_than

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from finetuning.sample import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """Losses on the same samples."""

    before: Loss
    after: Loss


def evaluate(
    samples: Sequence[Sample],
    adapter: Path,
    *,
    base: str,
    cache: Path,
    max_length: int = 2048,
    say: Callable[[str], None] | None = None,
) -> Evaluated:
    """Measure the dev samples with and without an adapter.

    Args:
        samples: Those of the dev split are taken.
        adapter: PEFT folder.
        base: The model it was trained on, see `finetuning.base_model.load_model`.
        cache: Where converted base models are kept.
        max_length: Tokens; longer samples are left out.
        say: Told what takes long.

    Raises:
        MissingExtra: A package is not installed.
        UnknownModelName: The base model cannot be loaded.
        TooFewSamples: There is no dev sample.
    """
    model, tokenizer = load_model(base, cache=cache, say=say)
    encoded = [encode(sample, tokenizer) for sample in samples if sample.split == "dev"]
    dev = shorter_than(encoded, max_length)
    if not dev:
        raise TooFewSamples("dev", 0)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    tuned = with_adapter(model, adapter)
    with tuned.disable_adapter():
        before = measure(tuned, dev, pad=pad)
    return Evaluated(before=before, after=measure(tuned, dev, pad=pad))
