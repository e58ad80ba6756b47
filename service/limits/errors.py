"""What budgets refuse. What providers' limits refuse is a `ProviderLimitReached` of `chains/models/admission.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from service.errors import TryLater

if TYPE_CHECKING:
    from datetime import datetime

Budget = Literal["key", "pipeline", "all"]
"""Whose money: one API key's, one pipeline's, or that of all calls together."""


class BudgetExhausted(TryLater):
    """What a UTC day may cost is spent: calls that cost money stop until the day is over.

    A 429 like the key's own rate, for it is the caller's to wait, and clients know what to do with `Retry-After`. Not a
    402, which RFC 9110 keeps for later, and not a 503, which tells balancers that this process is ill.

    Args:
        budget: Whose it is.
        name: Of the key (its id) or the pipeline; empty for all.
        limit_usd: What a day may cost.
        spent_usd: What it has cost.
        resets_at: The next UTC midnight.
        retry_after_s: Seconds until then.
    """

    status = 429
    slug = "budget-exhausted"
    title = "The daily budget is spent"

    def __init__(
        self,
        budget: Budget,
        name: str,
        *,
        limit_usd: float,
        spent_usd: float,
        resets_at: datetime,
        retry_after_s: float,
    ) -> None:
        self.budget = budget
        self.name = name
        self.limit_usd = limit_usd
        self.spent_usd = spent_usd
        self.resets_at = resets_at
        whose = "of all calls together" if budget == "all" else f"of {budget} {name!r}"
        super().__init__(
            f"the daily budget {whose} is spent ({spent_usd:.2f} of {limit_usd:.2f} USD); "
            f"it starts anew at {resets_at:%Y-%m-%dT%H:%M:%SZ}",
            retry_after_s,
        )
