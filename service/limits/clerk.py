"""The clerk: one thread of a process that does what limits need of the database, so that no call waits for a commit.

It lets in those who wait at a door for what all processes share, renews this process's leases, tells and hears of
pauses, and writes down what was spent. It works when it is woken, and once a second while calls are in flight.
"""

from __future__ import annotations

import threading
import time
import uuid
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

from service.storage.provider_limits import LEASE_S, Ask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chains.models.places import Waiter
    from service.limits.door import Door
    from service.limits.ledger import Ledger
    from service.storage.provider_limits import ProviderLimitStore

SYNC_EVERY_S = 1.0
"""Between two looks at what other processes do, while calls are in flight."""

_HURRY_S = 0.05
_IDLE_S = 5.0
_GATHER_S = 0.1
_MOST_AT_ONCE = 256
_AFTER_TROUBLE_S = 1.0

_log = structlog.get_logger("riddlewire.limits")


class Clerk:
    """Serves the doors of a process.

    Args:
        doors: By provider; more may come.
        store: What processes share.
        ledger: What was spent.
        alone: Whether no other process can share this database, so that there is nobody to hear of.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        doors: Mapping[str, Door],
        store: ProviderLimitStore,
        ledger: Ledger,
        *,
        alone: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._doors = doors
        self._store = store
        self._ledger = ledger
        self._alone = alone
        self._clock = clock
        self.holder = uuid.uuid4().hex
        self._desks: dict[str, _Desk] = {}
        self._bell = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = False

    def wake(self) -> None:
        """There is something to do; the first time, the thread is started."""
        self._bell.set()
        if self._thread is None and not self._closing:
            self._start()

    def close(self) -> None:
        """Write down what was spent, give back what is leased, and end the thread."""
        self._closing = True
        self._bell.set()
        if self._thread is not None:
            self._thread.join()
        try:
            self._ledger.flush()
            for desk in self._desks.values():
                desk.give_back()
        except SQLAlchemyError as error:
            _log.warning("what was spent last could not be written down", error=type(error).__name__)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="riddlewire-limits", daemon=True)
                self._thread.start()

    def _serve(self) -> None:
        due: float | None = 0.0
        while not self._closing:
            self._bell.wait(None if due is None else max(0.0, due - self._clock()))
            self._bell.clear()
            due = self._round()

    def _round(self) -> float | None:
        """Everything that is to be done now; the moment of the next round, None when nothing is awaited."""
        try:
            return self._work()
        except Exception as error:  # noqa: BLE001 -- outermost boundary of the thread: calls wait for its next round
            _log.warning("limits cannot be kept with others", error=type(error).__name__)
            for desk in self._desks.values():
                desk.lapse()
            return self._clock() + _AFTER_TROUBLE_S

    def _work(self) -> float | None:
        dues = [self._write_spend()]
        for provider, door in list(self._doors.items()):
            desk = self._desks.get(provider)
            if desk is None:
                desk = self._desks[provider] = _Desk(door, self._store, self.holder, self._clock, alone=self._alone)
            dues.append(desk.attend())
        return min((due for due in dues if due is not None), default=None)

    def _write_spend(self) -> float | None:
        since = self._ledger.dirty_since
        if since is None:
            return None
        if self._clock() < since + _GATHER_S:
            return since + _GATHER_S
        self._ledger.flush()
        return None


class _Desk:
    """What the clerk knows of one door."""

    def __init__(
        self, door: Door, store: ProviderLimitStore, holder: str, clock: Callable[[], float], *, alone: bool
    ) -> None:
        self._door = door
        self._store = store
        self._holder = holder
        self._clock = clock
        self._hears = not alone
        self._leased = False
        self._leased_at = 0.0
        self._synced_at = float("-inf")
        self._hurry_s = _HURRY_S
        self._busy_at = 0.0
        self._ask_at = 0.0
        self._refused: Waiter | None = None

    def attend(self) -> float | None:
        """Do what is due at this door; the moment when something will be due again."""
        door = self._door
        if seconds := door.pause_to_tell():
            self._store.pause(door.provider, seconds)
        dues = [self._sync(), self._after_pause()]
        if door.limits.by_the_minute and not door.pressure.paused_s:
            dues.append(self._let_in())
        return min((due for due in dues if due is not None), default=None)

    def give_back(self) -> None:
        """Let others have what this process leased."""
        if not self._leased:
            return
        self._door.lease(0)
        if self._door.is_idle:  # else a call slipped in before the door was shut: the lease is renewed instead
            self._store.give_back(self._door.provider, self._holder)
            self._leased = False

    def lapse(self) -> None:
        """The lease could not be renewed: once it has run out, the places are others'."""
        if self._leased and self._clock() > self._leased_at + LEASE_S:
            self._door.lease(0)

    def _sync(self) -> float | None:
        """Renew the lease and hear of pauses: every second while there are calls, at once when they lack places."""
        door, now = self._door, self._clock()
        total = door.limits.shared_concurrency
        if total is None and not self._hears:
            return None
        if door.is_idle and now > self._busy_at + _IDLE_S:
            door.attended = False  # before the last look: a call that comes after it wakes the clerk
            self.give_back()
            if door.is_idle:
                return None
        door.attended = True
        self._busy_at = self._busy_at if door.is_idle else now
        if (due := self._synced_at + self._pace()) > now:
            return due
        self._synced_at = now
        if total is None:
            door.heard_of_pause(self._store.paused_s(door.provider))
        else:
            self._renew(total)
        return now + self._pace(again=True)

    def _pace(self, *, again: bool = False) -> float:
        """Seconds between two looks: few while calls lack places, twice as many each time that they still do."""
        door = self._door
        if door.limits.shared_concurrency is None or not door.places.waiting or door.places.used < door.slots:
            self._hurry_s = _HURRY_S
            return SYNC_EVERY_S
        if again:
            self._hurry_s = min(SYNC_EVERY_S, 2 * self._hurry_s)
        return self._hurry_s

    def _renew(self, total: int) -> None:
        door, before = self._door, self._door.slots
        in_use = door.freeze()  # or a call that enters meanwhile would be one that nobody knows of
        wanted = min(door.limits.max_concurrency, 2 * (in_use + door.places.waiting) + 1)
        try:
            lease = self._store.lease(door.provider, self._holder, total=total, wanted=wanted, in_use=in_use)
        except BaseException:
            door.lease(before)
            raise
        self._leased, self._leased_at = True, self._clock()
        door.heard_of_pause(lease.paused_s)
        door.lease(lease.slots)

    def _after_pause(self) -> float | None:
        door = self._door
        if paused_s := door.pressure.paused_s:
            door.places.hold(held=True)
            return self._clock() + paused_s
        door.open_after_pause()
        return None

    def _let_in(self) -> float | None:
        """Let out as many as their limits a minute allow; when that was not all, come back when there will be more."""
        door, now = self._door, self._clock()
        waiters = door.places.first(_MOST_AT_ONCE)
        if not waiters:
            return None
        if now < self._ask_at and waiters[0] is self._refused:
            return self._ask_at
        asks = [Ask(waiter.tokens, waiter.is_urgent) for waiter in waiters]
        taken = self._store.take(door.provider, door.limits.rates, asks, unused=door.unused())
        door.places.admit(waiters[: taken.granted])
        door.heard_of_pause(taken.paused_s)
        if taken.granted == len(waiters):
            return None
        self._refused = waiters[taken.granted]
        self._ask_at = now + min(max(taken.wait_s, 0.002), SYNC_EVERY_S)
        return self._ask_at
