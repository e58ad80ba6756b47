"""What can go wrong in fine-tuning, beside what `domain.errors` knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import ConfigurationError, InvalidInput

if TYPE_CHECKING:
    from pathlib import Path


class NotATrainingSet(InvalidInput):
    """A file of samples that cannot be used; names the line and what to do."""

    noun = "training set"

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}", f"{reason}: write it anew with `riddlewire finetune prepare`")


class TooFewSamples(InvalidInput):
    """Nothing to train on or to measure with."""

    noun = "training set"

    def __init__(self, split: str, count: int) -> None:
        super().__init__(
            split, f"has {count} samples, which is too few: add examples with `riddlewire examples import`"
        )


class ExportFailed(ConfigurationError):
    """An adapter that cannot be written in the form asked for."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"cannot export the adapter: {reason}")
