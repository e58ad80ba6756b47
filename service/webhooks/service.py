"""What /v1/webhooks does, without HTTP's shapes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from service.storage.deliveries import DeliveryFilter
from service.webhooks.schemas import delivery_payload

if TYPE_CHECKING:
    from service.auth import Caller
    from service.resources import Resources
    from service.storage.delivery_rows import DeliveryStatus


async def list_deliveries(
    resources: Resources,
    caller: Caller,
    *,
    status: DeliveryStatus | None,
    subject: str | None,
    limit: int,
    cursor: str | None,
) -> dict[str, Any]:
    """A page of the deliveries that the caller may see, newest first.

    Raises:
        InvalidCursor: The cursor is not one of ours.
    """
    filters = DeliveryFilter(status=status, subject=subject, scope=caller.scope)
    page = await asyncio.to_thread(resources.deliveries.list, filters, limit=limit, cursor=cursor)
    return {"items": [delivery_payload(delivery) for delivery in page.items], "next_cursor": page.next_cursor}


async def get_delivery(resources: Resources, delivery_id: str, caller: Caller) -> dict[str, Any]:
    """One delivery.

    Raises:
        NotFound: There is none of that id that the caller may see.
    """
    return delivery_payload(await asyncio.to_thread(resources.deliveries.get, delivery_id, scope=caller.scope))


async def redeliver(resources: Resources, delivery_id: str, caller: Caller) -> dict[str, Any]:
    """Have a delivery attempted again from now on, with the same id and body.

    Raises:
        NotFound: There is none of that id that the caller may see.
    """
    return delivery_payload(await asyncio.to_thread(resources.deliveries.redeliver, delivery_id, scope=caller.scope))
