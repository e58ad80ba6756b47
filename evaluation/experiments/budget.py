"""The budget: how much money runs may take together, as far as prices are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain import Usage


class Budget:
    """Counts what was spent and says when to stop.

    A run is started only while what was spent, and what those under way will take if they are as dear as the runs
    before them, is below the limit. So the limit is passed by a run's price at most, or by the first runs' where they
    are started together and nothing is known yet.

    Args:
        limit_usd: None is no limit.
        spent_usd: By earlier runs of the same experiment.
    """

    def __init__(self, limit_usd: float | None = None, spent_usd: float = 0.0) -> None:
        self.limit_usd = limit_usd
        self.spent_usd = spent_usd
        self._priced = 0
        self._seen_usd = 0.0
        self._under_way = 0

    def allows_one(self) -> bool:
        """Whether another run may be started."""
        if self.limit_usd is None:
            return True
        mean = self._seen_usd / self._priced if self._priced else 0.0
        return self.spent_usd + self._under_way * mean < self.limit_usd

    def started(self) -> None:
        """A run is under way."""
        self._under_way += 1

    def ended(self, usage: Usage | None) -> None:
        """A run is over; None where it was broken off and nobody knows what it took."""
        self._under_way -= 1
        if usage is not None and usage.cost_usd is not None:
            self._priced += 1
            self._seen_usd += usage.cost_usd
            self.spent_usd += usage.cost_usd
