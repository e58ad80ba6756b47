"""What can go wrong in measuring, beside the errors of the domain.

InvalidInput
└── InvalidDataset      a dataset cannot be used, with file and line
ConfigurationError
├── ExperimentChanged   what an experiment is made of is not what it was
├── ExperimentInUse     another process runs it
├── BadExperimentName   a name that cannot be a folder's
└── UnknownPrice        a budget cannot be kept where a price is not known
RiddlewireError
├── BudgetSpent         an experiment stopped where it was told to
└── PipelinesFailed     pipelines of an experiment ended before their cases did
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import ConfigurationError, InvalidInput, RiddlewireError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class InvalidDataset(InvalidInput):
    """A dataset cannot be used; lines count from 1."""

    noun = "dataset"

    def __init__(self, source: Path | str, line: int | None, reason: str) -> None:
        self.line = line
        super().__init__(f"{source}:{line}" if line is not None else str(source), reason)


class ExperimentChanged(ConfigurationError):
    """What an experiment is made of is not what it was when it began, so its numbers could not be compared."""

    def __init__(self, experiment: str, differences: Sequence[str]) -> None:
        self.differences = tuple(differences)
        super().__init__(
            f"experiment {experiment!r} cannot go on, because since it began {'; '.join(differences)}: "
            "start another one with --name"
        )


class ExperimentInUse(ConfigurationError):
    """Another process runs this experiment."""

    def __init__(self, experiment: str) -> None:
        super().__init__(
            f"another process runs experiment {experiment!r}: wait for it, or start another one with --name"
        )


class BadExperimentName(ConfigurationError):
    """A name that cannot be a folder's."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"an experiment cannot be called {name!r}: use 1 to 80 letters, digits, '.', '_' and '-', "
            "a letter or digit first"
        )


class UnknownPrice(ConfigurationError):
    """A budget cannot be kept where a price is not known."""

    def __init__(self, models: Sequence[str]) -> None:
        super().__init__(
            f"--max-cost cannot be kept: nobody told the price of {', '.join(models)}; "
            "add it to a price table of your own (RIDDLEWIRE_PRICES)"
        )


class BudgetSpent(RiddlewireError):
    """An experiment stopped where it was told to."""

    def __init__(self, experiment: str, spent_usd: float, limit_usd: float, left: int) -> None:
        self.left = left
        super().__init__(
            f"stopped at ${spent_usd:.4f} of ${limit_usd:.4f} with {left} runs left; go on with: "
            f"riddlewire eval run --resume {experiment} --max-cost MORE"
        )


class PipelinesFailed(ConfigurationError):
    """Pipelines that could not be run to the end, and why; what they made before is kept."""

    def __init__(self, experiment: str, reasons: Mapping[str, str]) -> None:
        self.reasons = dict(reasons)
        told = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        super().__init__(f"{told}; then go on with: riddlewire eval run --resume {experiment}")
