"""Budgets that protect nothing: set for a pipeline that is not there, mostly because its name is misspelt."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from prompts import Catalog

_log = structlog.get_logger("riddlewire.limits")


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleBudget:
    """A budget without a pipeline.

    Args:
        pipeline: The name it is set for.
        known: The pipelines there are.
    """

    pipeline: str
    known: tuple[str, ...]

    @property
    def detail(self) -> str:
        """What is the case."""
        return f"RIDDLEWIRE_BUDGETS_PIPELINES names {self.pipeline!r}, and there is no such pipeline: it limits nothing"

    @property
    def remedy(self) -> str:
        """What to do."""
        meant = get_close_matches(self.pipeline, self.known, 1, cutoff=0.8)
        return f"name it {meant[0]!r}" if meant else f"name one of: {', '.join(self.known)}"


def idle_budgets(budgets: Mapping[str, float], known: Collection[str]) -> list[IdleBudget]:
    """Those of the budgets by pipeline that no pipeline falls under.

    Args:
        budgets: US dollars a day by name of the pipeline.
        known: The pipelines there are.
    """
    return [IdleBudget(pipeline=name, known=tuple(known)) for name in budgets if name not in known]


def warn_of_idle_budgets(budgets: Mapping[str, float], catalog: Catalog) -> None:
    """Say in the log what protects nothing. It is no refusal: pipelines are files that may come later."""
    for idle in idle_budgets(budgets, [pipeline.name for pipeline in catalog.pipelines()]):
        _log.warning("a budget protects nothing", reason=idle.detail, remedy=idle.remedy)
