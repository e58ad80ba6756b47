"""Announcing an event: a row in the transaction that makes the event happen, which the deliverer finds afterwards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from service.answers import encode
from service.storage.deliveries import add_delivery
from service.storage.delivery_rows import NewDelivery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

    from service.webhooks.targets import WebhookTarget


def enqueue(
    connection: Connection,
    *,
    target: WebhookTarget,
    event_type: str,
    data: Mapping[str, Any],
    subject: str,
    key_id: str | None = None,
    tenant: str | None = None,
    now: datetime | None = None,
) -> str:
    """Have an event delivered: it will be when the caller's transaction is committed, and never otherwise.

    Args:
        connection: In the transaction that makes the event happen.
        target: Where to.
        event_type: Such as `batch.done`.
        data: Of the event; datetimes leave as UTC.
        subject: Id of what the event is about; the log is searched by it.
        key_id: Of the API key that asked for it: who sees the delivery in the log.
        tenant: Of that key.
        now: When the event happened; this moment unless given.

    Returns:
        The delivery's id, which is the `webhook-id` of every attempt.
    """
    from langchain_core.utils.uuid import uuid7

    moment = now or datetime.now(UTC)
    delivery = NewDelivery(
        id=f"whd_{uuid7().hex}",
        created_at=moment,
        event_type=event_type,
        subject=subject,
        url=target.url,
        host=target.host,
        secret=target.secret,
        body=encode({"type": event_type, "timestamp": moment, "data": data}),
        key_id=key_id,
        tenant=tenant,
    )
    add_delivery(connection, delivery)
    return delivery.id
