"""Telling a batch's webhook that it is over, in the transaction that ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.batches.payload import batch_payload
from service.webhooks.outbox import enqueue
from service.webhooks.targets import WebhookTarget

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from service.storage.batch_ends import BatchFinished
    from service.storage.batches import BatchRepository


def announcer(batches: BatchRepository) -> BatchFinished:
    """What to call when a batch is over: the delivery is there if and only if the batch has ended."""

    def announce(connection: Connection, batch_id: str) -> None:
        batch = batches.read(connection, batch_id)
        if batch.webhook is not None:
            enqueue(
                connection,
                target=WebhookTarget(**batch.webhook),
                event_type="batch.cancelled" if batch.status == "cancelled" else "batch.done",
                data=batch_payload(batch),
                subject=batch.id,
                key_id=batch.key_id,
                tenant=batch.tenant,
            )

    return announce
