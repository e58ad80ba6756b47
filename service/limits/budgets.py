"""Daily budgets: calls that cost money stop when what a UTC day may cost is spent.

What was spent is looked up once a second, and what this process spends meanwhile is added at once. So a budget is
overspent at most by the calls that are in flight when it is reached, and by what other processes spend within a second.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from chains.models.loop_local import LoopLocal
from service.limits.errors import BudgetExhausted
from service.telemetry import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from chains.models.scope import CallScope
    from domain.usage import Usage
    from service.limits.errors import Budget
    from service.limits.ledger import Ledger
    from service.storage.spend import SpendStore

BELIEVED_S = 1.0
"""How long what the database said is believed."""

Cost = tuple[str, str]
"""Key and pipeline that a cost stands under; empty where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyBudgets:
    """What a UTC day may cost, in US dollars.

    Args:
        all_usd: All calls together; None is no limit.
        pipelines: By name of the pipeline.
    """

    all_usd: float | None = None
    pipelines: Mapping[str, float] = field(default_factory=dict)

    @property
    def are_set(self) -> bool:
        """Whether there is any."""
        return self.all_usd is not None or bool(self.pipelines)


@dataclass(slots=True)
class _Snapshot:
    """What the database said, and what was spent here since."""

    day: str
    read_at: float
    costs: Mapping[Cost, float]
    keys: Mapping[str, float]
    since: defaultdict[Cost, float]

    def spent(self, *, key_id: str | None = None, pipeline: str | None = None) -> float:
        return sum(
            cost
            for costs in (self.costs, self.since)
            for (key, name), cost in costs.items()
            if key_id in (None, key) and pipeline in (None, name)
        )


class Budgets:
    """Refuses calls over budget. May be used from any event loop.

    Args:
        budgets: Of pipelines and of all together; those of keys stand with the keys.
        store: What was spent, by all processes.
        ledger: What this process has not written down yet.
        clock: Seconds that never go back; tests pass their own.
        now: The moment, in UTC; tests pass their own.
    """

    def __init__(
        self,
        budgets: DailyBudgets,
        store: SpendStore,
        ledger: Ledger,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._budgets = budgets
        self._store = store
        self._ledger = ledger
        self._clock = clock
        self._now = now
        self._snapshot: _Snapshot | None = None
        self._since: defaultdict[Cost, float] = defaultdict(float)
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._readings: LoopLocal[list[asyncio.Task[_Snapshot]]] = LoopLocal(list)

    async def check(self, scope: CallScope) -> None:
        """Let a call that costs money go on.

        Raises:
            BudgetExhausted: The day's money is spent.
        """
        refusal = await self.refusal(scope)
        if refusal is not None:
            metrics.observe_budget_refusal(refusal.budget)
            raise refusal

    async def refusal(self, scope: CallScope) -> BudgetExhausted | None:
        """What a call that costs money would be told now; None when it could go on."""
        if not self._budgets.are_set and scope.key_id is None:
            return None
        snapshot = self._snapshot
        if snapshot is None or snapshot.day != self._today() or self._clock() > snapshot.read_at + BELIEVED_S:
            snapshot = await self._newer(snapshot)
        for budget, name, limit, spent in self._measured(snapshot, scope):
            if spent >= limit:
                return self._exhausted(budget, name, limit, spent)
        return None

    def spent(self, scope: CallScope, usage: Usage) -> None:
        """A call was answered; counts at once."""
        if usage.cost_usd:
            with self._lock:
                self._since[scope.key_id or "", scope.pipeline or ""] += usage.cost_usd

    def _measured(self, snapshot: _Snapshot, scope: CallScope) -> Iterator[tuple[Budget, str, float, float]]:
        """The budgets that a call falls under: whose, what it may be, what is spent of it."""
        key_id, pipeline = scope.key_id or "", scope.pipeline or ""
        with self._lock:
            if (limit := snapshot.keys.get(key_id)) is not None:
                yield "key", key_id, limit, snapshot.spent(key_id=key_id)
            if (limit := self._budgets.pipelines.get(pipeline)) is not None:
                yield "pipeline", pipeline, limit, snapshot.spent(pipeline=pipeline)
            if (limit := self._budgets.all_usd) is not None:
                yield "all", "", limit, snapshot.spent()

    async def _newer(self, old: _Snapshot | None) -> _Snapshot:
        """What the database says now. Those of one loop who ask at once wait for one reading, not each in a thread."""
        reading = self._readings.get()
        if not reading or reading[0].done():
            reading[:] = [asyncio.create_task(asyncio.to_thread(self._read, old))]
        return await asyncio.shield(reading[0])

    def _read(self, old: _Snapshot | None) -> _Snapshot:
        """The same; loops share a reading as well."""
        with self._reading:
            known = self._snapshot
            if known is not None and known is not old:
                return known
            return self._read_anew()

    def _read_anew(self) -> _Snapshot:
        since: defaultdict[Cost, float] = defaultdict(float)
        with self._lock:  # what is booked from here on may be counted twice until the next reading, never left out
            self._since = since
        self._ledger.flush()
        day = self._today()
        keys = self._store.budgets_of_keys()
        costs = self._store.costs_of_day(day) if keys or self._budgets.are_set else {}
        self._snapshot = _Snapshot(day, self._clock(), costs, keys, since)
        return self._snapshot

    def _today(self) -> str:
        return self._now().date().isoformat()

    def _exhausted(self, budget: Budget, name: str, limit: float, spent: float) -> BudgetExhausted:
        now = self._now()
        midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
        wait_s = (midnight - now).total_seconds()
        return BudgetExhausted(budget, name, limit_usd=limit, spent_usd=spent, resets_at=midnight, retry_after_s=wait_s)
