"""Whether the jobs of this process get on: what tells a stuck worker from a busy one.

Jobs leave stamps when they are begun, when an answer of a model is noted, when they end, and when they know that they
wait: for a provider, for the database. A worker whose jobs have left none for too long is stuck. So is one whose event
loop does not turn, which is why everything here may be asked from other threads.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WorkState = Literal["starting", "idle", "busy", "waiting", "stuck", "draining"]

LOOP_STUCK_AFTER_S: Final = 60.0
"""An event loop that has not turned for so long is stuck, however patient one is with jobs: nothing may block it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkHealth:
    """How a worker is.

    Args:
        state: `starting` until jobs can begin; `waiting` is for what it knows, such as a provider that is down; `stuck`
            wants a restart.
        detail: The same in a sentence, without anything of an article.
    """

    state: WorkState
    detail: str


@dataclass(slots=True)
class _InHand:
    """A job in hand: since when, and what it waits for, if it knows."""

    since: float
    waits_for: str | None = None


class Progress:
    """The stamps of this process's jobs. May be asked from any thread.

    Args:
        stuck_after_s: Seconds without a stamp after which jobs in hand are stuck.
        provider_waits: Whether model calls wait for their turn at a provider and none is in flight.
        clock: Seconds that never go back; tests pass their own.
    """

    def __init__(
        self,
        *,
        stuck_after_s: float,
        provider_waits: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stuck_after_s = stuck_after_s
        self._provider_waits = provider_waits
        self._clock = clock
        self._lock = threading.Lock()
        self._in_hand: dict[str, _InHand] = {}
        self._stamped_at = self._turned_at = clock()
        self._turning = False
        self._starting_at: float | None = None
        self.draining = False

    @property
    def in_hand(self) -> int:
        """Jobs in hand."""
        return len(self._in_hand)

    @property
    def oldest_s(self) -> float:
        """Seconds that the oldest job has been in hand; 0 when there is none."""
        with self._lock:
            begun = [job.since for job in self._in_hand.values()]
        return self._clock() - min(begun) if begun else 0.0

    @contextmanager
    def job(self, job_id: str) -> Iterator[None]:
        """A job is in hand."""
        with self._lock:
            self._in_hand[job_id] = _InHand(self._clock())
        self.stamp()
        try:
            yield
        finally:
            with self._lock:
                self._in_hand.pop(job_id, None)
            self.stamp()

    @contextmanager
    def waiting(self, job_id: str, what: str) -> Iterator[None]:
        """A job in hand waits for something, and knows it."""
        self.waits(job_id, what)
        try:
            yield
        finally:
            self.found(job_id, what)

    def waits(self, job_id: str, what: str) -> None:
        """A job in hand waits for something from now on."""
        with self._lock:
            job = self._in_hand.get(job_id)
            if job is not None:
                job.waits_for = what
        self.stamp()

    def found(self, job_id: str, what: str) -> None:
        """A job in hand waits no more for that, if it did."""
        with self._lock:
            job = self._in_hand.get(job_id)
            if job is None or job.waits_for != what:
                return
            job.waits_for = None
        self.stamp()

    def stamp(self) -> None:
        """A job got on."""
        self._stamped_at = self._clock()

    @contextmanager
    def starting(self) -> Iterator[None]:
        """What runs jobs is being started; after it the event loop is to turn."""
        self._starting_at = self._clock()
        try:
            yield
            self.turned()
        finally:
            self._starting_at = None

    def turned(self) -> None:
        """The event loop turns; called on it again and again."""
        self._turning, self._turned_at = True, self._clock()

    def health(self) -> WorkHealth:
        """How this worker is, at this moment."""
        now = self._clock()
        still_s, quiet_s = now - self._turned_at, now - self._stamped_at
        with self._lock:
            waits = [job.waits_for for job in self._in_hand.values()]
        if self.draining:
            return WorkHealth(state="draining", detail=f"told to stop; {len(waits)} jobs in hand")
        if self._turning and still_s >= min(self._stuck_after_s, LOOP_STUCK_AFTER_S):
            return WorkHealth(state="stuck", detail=f"its event loop has not turned for {still_s:.0f} s")
        if self._starting_at is not None:
            return self._of_start(now - self._starting_at)
        if not waits:
            return WorkHealth(state="idle", detail="no job in hand")
        return self._of_jobs(waits, quiet_s)

    def _of_start(self, since_s: float) -> WorkHealth:
        if since_s >= self._stuck_after_s:
            return WorkHealth(state="stuck", detail=f"it has not got ready for jobs for {since_s:.0f} s")
        return WorkHealth(state="starting", detail="gets ready for jobs")

    def _of_jobs(self, waits: list[str | None], quiet_s: float) -> WorkHealth:
        told = f"{len(waits)} jobs in hand"
        known = sorted({what for what in waits if what is not None})
        if None not in waits:
            return WorkHealth(state="waiting", detail=f"{told}, waiting for {', '.join(known)}")
        if self._provider_waits():
            return WorkHealth(state="waiting", detail=f"{told}, waiting for their turn at a provider")
        if quiet_s >= self._stuck_after_s:
            return WorkHealth(state="stuck", detail=f"{told}, and none has got on for {quiet_s:.0f} s")
        return WorkHealth(state="busy", detail=f"{told}, the last got on {quiet_s:.0f} s ago")
