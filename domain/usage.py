"""What a model call used and cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens and money of one or more model calls; add them up with `+`.

    Args:
        input_tokens: Prompt tokens, cached ones included.
        output_tokens: Generated tokens.
        cached_tokens: Prompt tokens the provider had cached (a part of input_tokens).
        cost_usd: US dollars; None where the price is unknown, which is not 0.
        calls: Number of model calls that answered.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = None
    calls: int = 0

    def __add__(self, other: Usage) -> Usage:
        """The sum; its cost is unknown as soon as one of the calls' costs is."""
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cost_usd=_sum_cost(self, other),
            calls=self.calls + other.calls,
        )


def _sum_cost(first: Usage, second: Usage) -> float | None:
    """What nobody called costs nothing, unless it says what it cost."""
    costs = [usage.cost_usd for usage in (first, second) if usage.calls or usage.cost_usd is not None]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known and len(known) == len(costs) else None
