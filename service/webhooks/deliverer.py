"""The background task that delivers: takes what is due, sends it, and writes down what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from service.storage.delivery_rows import Verdict
from service.webhooks.retries import KEEP_TRYING, next_attempt

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.storage.deliveries import DeliveryRepository
    from service.storage.delivery_rows import Claimed, DeliveryStatus
    from service.telemetry.webhook_metrics import WebhookMetrics
    from service.webhooks.sending import Sender, Sent

POLL_S = 1.0
"""Seconds between two looks into the outbox, so the longest that a new event waits."""

LEASE = timedelta(seconds=30)
"""How long an attempt keeps its claim beyond the sender's timeout; after a crash the next one waits for it."""

_MEASURE_EVERY_S = 10.0
_TROUBLE = 5
"""A database that does not answer is left alone for so many polls."""

_SHARE_OF_A_HOST = 4
"""One host gets a quarter of the slots: those that wait for a receiver that hangs leave room for the others."""

_log = structlog.get_logger("riddlewire.webhooks")


class Deliverer:
    """Delivers until it is stopped; `start` and `stop` it with the process. Any number may share a database.

    Args:
        deliveries: What is to be delivered.
        sender: Makes the attempts.
        metrics: Told what happens.
        concurrency: Attempts at once.
        timeout_s: The sender's.
        closing: Whether the process stops: then nothing new is begun.
        clock: The moment, in UTC; the same that the deliveries go by.
        poll_s: Seconds between two looks into the outbox.
    """

    def __init__(
        self,
        deliveries: DeliveryRepository,
        sender: Sender,
        metrics: WebhookMetrics,
        *,
        concurrency: int,
        timeout_s: float,
        closing: Callable[[], bool] = lambda: False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        poll_s: float = POLL_S,
    ) -> None:
        self._deliveries = deliveries
        self._sender = sender
        self._metrics = metrics
        self._concurrency = concurrency
        self._per_host = max(1, concurrency // _SHARE_OF_A_HOST)
        self._lease = LEASE + timedelta(seconds=timeout_s)
        self._closing = closing
        self._clock = clock
        self._poll_s = poll_s
        self._sending: dict[asyncio.Task[None], str] = {}
        self._loop: asyncio.Task[None] | None = None
        self._closed_at: float | None = None

    def start(self) -> None:
        """Begin to deliver in the background."""
        self._loop = asyncio.create_task(self._run(), name="webhooks")

    async def stop(self, patience_s: float) -> None:
        """Begin nothing new and let what is being sent finish; what is cut off is attempted again by somebody.

        Args:
            patience_s: Seconds for that, counted from when the process was asked to stop.
        """
        if self._loop is not None:
            self._loop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop
        now = asyncio.get_running_loop().time()
        left_s = max(0.0, (self._closed_at or now) + patience_s - now)
        await self._finish(left_s)
        await self._sender.aclose()

    async def deliver_due(self) -> int:
        """Attempt all that is due at this moment, and wait until that is done; returns how many attempts it took."""
        made = 0
        while (begun := await self._begin_due()) or self._sending:
            made += begun
            await asyncio.wait(list(self._sending), return_when=asyncio.FIRST_COMPLETED)
        return made

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        measure_at = clock()
        while not self._closing():
            pause_s = self._poll_s
            try:
                await self._begin_due()
                if clock() >= measure_at:
                    await self._measure()
                    measure_at = clock() + _MEASURE_EVERY_S
            except Exception as error:  # noqa: BLE001 -- the outermost boundary: nobody would begin this task anew
                _log.warning("webhooks cannot be looked up", error=type(error).__name__)
                pause_s = self._poll_s * _TROUBLE
            await self._pause(pause_s)
        self._closed_at = clock()

    async def _begin_due(self) -> int:
        free = self._concurrency - len(self._sending)
        if free <= 0:
            return 0
        busy = Counter(self._sending.values())
        claimed = await asyncio.to_thread(
            self._deliveries.claim, free, lease=self._lease, busy=busy, per_host=self._per_host
        )
        for one in claimed:
            task = asyncio.create_task(self._deliver(one))
            self._sending[task] = one.host
            task.add_done_callback(self._ended)
        return len(claimed)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._sending[task]
        error = None if task.cancelled() else task.exception()
        if error is not None:  # the lease runs out, and another attempt is made
            _log.warning("a webhook attempt was not written down", error=type(error).__name__)

    async def _pause(self, seconds: float) -> None:
        """Until the next look: earlier when an attempt ends, for more may be waiting for its slot."""
        if self._sending:
            await asyncio.wait(list(self._sending), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(seconds)

    async def _finish(self, patience_s: float) -> None:
        if not self._sending:
            return
        _, late = await asyncio.wait(list(self._sending), timeout=patience_s)
        for task in late:
            task.cancel()
        if late:
            _log.warning("cut off webhook attempts at shutdown", attempts=len(late))
            await asyncio.wait(late)

    async def _deliver(self, claimed: Claimed) -> None:
        sent = await self._sender.send(claimed)
        verdict = self._judge(claimed, sent)
        kept = await asyncio.to_thread(self._deliveries.record, claimed, sent.attempt, verdict)
        if kept is None:
            _log.warning("a webhook attempt outlived its lease", delivery=claimed.id)
        self._tell(claimed, sent, kept or verdict.status)

    def _judge(self, claimed: Claimed, sent: Sent) -> Verdict:
        give_up_at = claimed.give_up_at or sent.attempt.at + KEEP_TRYING
        if sent.outcome == "delivered":
            return Verdict(status="delivered", next_attempt_at=None, give_up_at=give_up_at)
        again = None
        if sent.outcome == "failed":
            again = next_attempt(
                claimed.tries + 1,
                now=self._clock(),
                give_up_at=give_up_at,
                chance=random.random(),  # noqa: S311 -- spreads load, guards nothing
                retry_after=sent.retry_after,
            )
        return Verdict(status="pending" if again else "failed", next_attempt_at=again, give_up_at=give_up_at)

    def _tell(self, claimed: Claimed, sent: Sent, status: DeliveryStatus) -> None:
        attempt = sent.attempt
        outcome = "retry" if status == "pending" else "gave_up" if sent.outcome == "failed" else sent.outcome
        self._metrics.observe_attempt(outcome, attempt.duration_ms / 1000)
        told = {"delivery": claimed.id, "event_type": claimed.event_type, "host": claimed.host}
        if status == "failed":
            _log.warning("a webhook could not be delivered", **told, reason=attempt.error, tries=claimed.tries + 1)
        else:
            _log.info(f"webhook {outcome}", **told, status=attempt.status_code, reason=attempt.error)

    async def _measure(self) -> None:
        backlog = await asyncio.to_thread(self._deliveries.backlog)
        age = self._clock() - backlog.oldest if backlog.oldest else timedelta()
        self._metrics.observe_backlog(backlog.pending, max(0.0, age.total_seconds()))
