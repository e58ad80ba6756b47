"""How steps tell what happens while they work: an optional coroutine that is given each event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from domain.events import PipelineEvent

if TYPE_CHECKING:
    from domain.events import RiddleDelta, SummaryDelta

Emit = Callable[[PipelineEvent], Awaitable[None]]
OnDelta = Callable[[str], Awaitable[None]]


async def silent(_event: PipelineEvent) -> None:
    """For callers who only want the result."""


def deltas_to(emit: Emit, kind: type[SummaryDelta | RiddleDelta]) -> OnDelta | None:
    """A callback for model text that emits each non-empty piece as an event of that kind; None if nobody listens."""
    if emit is silent:
        return None

    async def on_delta(text: str) -> None:
        if text:
            await emit(kind(text))

    return on_delta
