"""Deliveries in a real database, sent to a real receiver on loopback, with a clock that tests turn."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from service.storage.deliveries import DeliveryRepository
from service.telemetry.metrics import Metrics
from service.webhooks.deliverer import Deliverer
from service.webhooks.outbox import enqueue
from service.webhooks.sending import Sender
from service.webhooks.targets import TargetPolicy
from tests.support.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from service.storage.delivery_rows import Delivery

OPEN = TargetPolicy(allow_private=True)


class Clock:
    """The moment, until it is turned."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


class Post:
    """The outbox of a test, and what delivers it.

    Args:
        engine: The database.
        clock: What it goes by.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self.engine = engine
        self.clock = clock
        self.deliveries = DeliveryRepository(engine, clock)
        self.metrics = Metrics()

    def enqueue(self, url: str, subject: str = "bat_1", *, secret: str | None = None, **more: Any) -> str:
        """One event for that receiver."""
        with self.engine.begin() as connection:
            return enqueue(
                connection,
                target=OPEN.target(url, secret),
                event_type="batch.done",
                data={"id": subject, "status": "done"},
                subject=subject,
                now=self.clock(),
                **more,
            )

    def deliverer(self, *, policy: TargetPolicy = OPEN, timeout_s: float = 5, **options: Any) -> Deliverer:
        """One more deliverer of the same outbox."""
        lookup = {"lookup": options.pop("lookup")} if "lookup" in options else {}
        concurrency = options.pop("concurrency", 8)
        sender = Sender(policy, timeout_s=timeout_s, limit=concurrency, clock=self.clock, **lookup)
        return Deliverer(
            options.pop("deliveries", self.deliveries),
            sender,
            self.metrics.webhooks,
            concurrency=concurrency,
            timeout_s=timeout_s,
            clock=self.clock,
            poll_s=0.02,
            **options,
        )

    async def deliver(self, **options: Any) -> int:
        """Attempt all that is due."""
        deliverer = self.deliverer(**options)
        made = await deliverer.deliver_due()
        await deliverer.stop(0)
        return made

    def log(self, delivery_id: str) -> Delivery:
        return self.deliveries.get(delivery_id)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what a background task does."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 -- the database tells nobody
            await asyncio.sleep(0.02)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def post(engine: Engine, clock: Clock) -> Post:
    return Post(engine, clock)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running
