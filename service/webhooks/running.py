"""Delivering while a process runs, whether it serves or works."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from service.webhooks.deliverer import Deliverer
from service.webhooks.sending import Sender

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from service.settings import Settings
    from service.storage.deliveries import DeliveryRepository


@asynccontextmanager
async def delivering(
    deliveries: DeliveryRepository, settings: Settings, *, closing: Callable[[], bool]
) -> AsyncIterator[None]:
    """Deliver webhooks until the block ends; what is being sent then gets the drain time to finish.

    Args:
        deliveries: What is to be delivered.
        settings: What the operator set.
        closing: Whether the process was asked to stop: then nothing new is begun, and the drain time counts.
    """
    from service.telemetry.metrics import process

    await asyncio.to_thread(deliveries.recover)
    group = settings.webhooks
    sender = Sender(settings.target_policy(), timeout_s=group.timeout_s, limit=group.concurrency)
    deliverer = Deliverer(
        deliveries,
        sender,
        process.webhooks,
        concurrency=group.concurrency,
        timeout_s=group.timeout_s,
        closing=closing,
    )
    deliverer.start()
    try:
        yield
    finally:
        await deliverer.stop(settings.limits.drain_s)
