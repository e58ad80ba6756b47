"""The outcome: what one pipeline made of one case, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain import Riddle
    from domain.events import ShownExample


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one run of one pipeline over one case.

    Args:
        case_id: Of the case.
        pipeline: Who made it.
        repeat: 0 for the first run over the case, 1 for the second, ...
        seed: What the pipeline's steps were seeded with.
        riddle: What the pipeline gave, published or not; None when it failed.
        error: Why it failed, one sentence; empty when it did not. A failed outcome is unscored, not wrong.
        selected: The examples that retrieval selected, least similar first.
        latency_ms: From the article to the riddle, by the clock.
    """

    case_id: str
    pipeline: str
    repeat: int
    seed: int
    riddle: Riddle | None = None
    error: str = ""
    selected: tuple[ShownExample, ...] = ()
    latency_ms: float = 0.0
