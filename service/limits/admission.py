"""Lets model calls out: within budgets, at the pace that providers take, and booked once they are answered."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from chains.models.scope import current_scope
from domain.errors import ProviderError
from service.limits.door import Door
from service.telemetry import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from chains.models.admission import Asking, Ticket
    from domain.usage import Usage
    from service.limits.budgets import Budgets
    from service.limits.door import DoorLimits
    from service.limits.ledger import Ledger

_WORTH_TELLING_S = 0.001


class SharedAdmission:
    """What `ChatModels` is given as its admission. May be used from any event loop.

    Args:
        limits: How hard a provider may be pressed, by its name.
        budgets: What a day may cost.
        ledger: Where answered calls are booked.
        watched: Whether other processes share the database, so that their pauses have to be heard of.

    Attributes:
        wake: Calls the clerk; to be set before the first call.
    """

    def __init__(
        self,
        limits: Callable[[str], DoorLimits],
        budgets: Budgets,
        ledger: Ledger,
        *,
        watched: bool,
    ) -> None:
        self._limits = limits
        self._doors: dict[str, Door] = {}
        self._budgets = budgets
        self._ledger = ledger
        self._watched = watched
        self.wake: Callable[[], None] = lambda: None

    @property
    def doors(self) -> Mapping[str, Door]:
        """The doors that were used so far, by provider."""
        return self._doors

    def is_held_up(self) -> bool:
        """Whether calls wait for their turn at a provider that none is in flight to: limits hold them, not answers."""
        return any(door.places.waiting and not door.places.used for door in list(self._doors.values()))

    def admit(self, asking: Asking) -> AbstractAsyncContextManager[Ticket]:
        """A block in which the call may be made.

        Raises:
            BudgetExhausted: The day's money is spent, from entering the block.
            ProviderLimitReached: Its turn does not come in time, from entering the block.
        """
        return _Passage(asking, self._door(asking.provider), self._budgets, self._ledger)

    def _door(self, provider: str) -> Door:
        door = self._doors.get(provider)
        if door is None:
            made = Door(provider, self._limits(provider), self.wake, watched=self._watched)
            door = self._doors.setdefault(provider, made)
            metrics.watch_provider(provider, lambda: float(door.pressure.paused_s > 0), lambda: door.places.waiting)
        return door


class _Passage:
    """One call on its way, from waiting for its turn to being booked."""

    __slots__ = (
        "_asking",
        "_began",
        "_budgets",
        "_door",
        "_failed_at",
        "_inside",
        "_ledger",
        "_scope",
        "_tokens",
        "_told",
        "_waited_s",
    )

    def __init__(self, asking: Asking, door: Door, budgets: Budgets, ledger: Ledger) -> None:
        self._asking = asking
        self._door = door
        self._budgets = budgets
        self._ledger = ledger
        self._scope = current_scope()
        self._tokens = asking.tokens() if door.limits.rates.tokens is not None else 0
        self._inside = False
        self._began = 0.0
        self._waited_s = 0.0
        self._failed_at = 0.0
        self._told: ProviderError | None = None

    async def __aenter__(self) -> Ticket:
        await self._check_budgets()
        waited = await self._enter()
        await self._check_inside(budgets=waited)
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, ProviderError) and error is not self._told:
            self.failed(error)  # of a client that tries again by itself, and does not tell
        self._leave()

    @property
    def left_s(self) -> float | None:
        """Seconds that the call may still wait; batches have time."""
        if self._scope.priority == "batch":
            return None
        return max(0.0, self._door.limits.max_wait_s - self._waited_s)

    async def again(self) -> None:
        """Wait for another turn: a further try is a request like any other.

        Raises:
            ProviderLimitReached: It does not come in time.
            BudgetExhausted: The day's money was spent meanwhile.
        """
        self._waited_s += time.monotonic() - self._failed_at
        await self._enter()
        await self._check_inside(budgets=True)

    def failed(self, error: ProviderError) -> None:
        """A try has failed: its place is free until the next one."""
        self._told, self._failed_at = error, time.monotonic()
        self._door.failed(error, began=self._began, asker=self._scope.asker)
        self._leave()

    def answered(self, usage: Usage) -> None:
        """Book what the call used."""
        used = usage.input_tokens + usage.output_tokens
        self._door.answered(unused=self._tokens - used if self._tokens else 0)
        self._ledger.add(self._scope, self._asking.provider, usage)
        self._budgets.spent(self._scope, usage)

    async def _enter(self) -> bool:
        """Whether that took so long that others may have spent the money."""
        if self._inside:
            return False
        asked = time.monotonic()
        self._began = await self._door.enter(self._scope.priority, self._tokens, waited_s=self._waited_s)
        self._inside = True
        self._waited_s += self._began - asked
        if self._began - asked <= _WORTH_TELLING_S:
            return False
        metrics.observe_limit_wait(self._door.provider, self._began - asked)
        return True

    async def _check_inside(self, *, budgets: bool) -> None:
        """What was true before the door may not be true behind it; a call that is refused here leaves its place."""
        try:
            if budgets:
                await self._check_budgets()
            await self._scope.check()
        except BaseException:
            self._door.turned_back(self._tokens)
            self._leave()
            raise

    async def _check_budgets(self) -> None:
        if not self._asking.free:
            await self._budgets.check(self._scope)

    def _leave(self) -> None:
        if self._inside:
            self._inside = False
            self._door.leave()
