"""What one step got from a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.errors import RiddlewireError
    from domain.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """An answer.

    Args:
        text: All of it; what no database could keep of it is replaced by U+FFFD.
        usage: Tokens and cost; estimated tokens where the provider reports none; nothing where they are counted at
            another answer of the same call.
        model: `provider:model` that answered.
        finish_reason: `stop`, `length` and so on, in the provider's word; None when it gave none.
        streamed: Whether `on_delta` was given the text as it came.
        cached: Whether the model gave this answer before, to the same question; then nothing was used.
        failed: What went wrong at the models tried before this one.
        engine_timings: llama.cpp's own clock (`prompt_ms`, `predicted_per_second`, ...); empty for other providers.
    """

    text: str
    usage: Usage
    model: str
    finish_reason: str | None = None
    streamed: bool = False
    cached: bool = False
    failed: tuple[RiddlewireError, ...] = ()
    engine_timings: Mapping[str, float] = field(default_factory=dict)
