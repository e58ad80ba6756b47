"""What this process has spent and not yet written down."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from service.storage.spend import Account, Spent

if TYPE_CHECKING:
    from collections.abc import Callable

    from chains.models.scope import CallScope
    from domain.usage import Usage
    from service.storage.spend import SpendStore


class Ledger:
    """Gathers what calls used, so that many of them are one transaction. May be used from any thread.

    What was gathered in the last tenth of a second is lost with a process that is killed.

    Args:
        store: Where it is written down.
        now: The moment, in UTC; tests pass their own.

    Attributes:
        wake: Called when there is something to write.
    """

    def __init__(
        self,
        store: SpendStore,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self.wake: Callable[[], None] = lambda: None
        self._now = now
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._entries: dict[Account, Spent] = {}
        self.dirty_since: float | None = None

    def add(self, scope: CallScope, provider: str, usage: Usage) -> None:
        """Book an answered call."""
        day = self._now().date().isoformat()
        account = Account(day, scope.key_id or "", scope.pipeline or "", provider)
        spent = Spent(
            calls=usage.calls,
            unpriced_calls=usage.calls if usage.cost_usd is None else 0,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost_usd=usage.cost_usd or 0.0,
        )
        with self._lock:
            was_clean = self.dirty_since is None
            self._entries[account] = self._entries.get(account, Spent()) + spent
            if was_clean:
                self.dirty_since = time.monotonic()
        if was_clean:
            self.wake()

    def flush(self) -> None:
        """Write down all there is; what cannot be written is kept for the next time.

        Raises:
            SQLAlchemyError: The database did not take it.
        """
        with self._writing:
            with self._lock:
                entries, self._entries, self.dirty_since = self._entries, {}, None
            try:
                self._store.add(entries)
            except BaseException:
                self._take_back(entries)
                raise

    def _take_back(self, entries: dict[Account, Spent]) -> None:
        with self._lock:
            for account, spent in entries.items():
                self._entries[account] = self._entries.get(account, Spent()) + spent
            self.dirty_since = time.monotonic()
