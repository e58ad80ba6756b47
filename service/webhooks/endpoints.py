"""/v1/webhooks."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from service.answers import json_response
from service.auth import caller_of
from service.resources import resources_of
from service.routing import WriterRoute
from service.schemas import CleanText, Cursor, Limit, Page
from service.storage.delivery_rows import DeliveryStatus
from service.webhooks import service
from service.webhooks.schemas import DeliveryOut

router = APIRouter(prefix="/v1/webhooks/deliveries", tags=["webhooks"], route_class=WriterRoute)


@router.get("", response_model=Page[DeliveryOut])
async def list_deliveries(
    request: Request,
    status: DeliveryStatus | None = None,
    subject: Annotated[CleanText | None, Query(max_length=100, description="Such as the id of a batch.")] = None,
    limit: Limit = 20,
    cursor: Cursor | None = None,
) -> Response:
    """The log of webhook deliveries, newest first.

    Callers see those of their tenant, or of their key where that has no tenant; admins without a tenant see all.
    """
    listed = await service.list_deliveries(
        resources_of(request), caller_of(request), status=status, subject=subject, limit=limit, cursor=cursor
    )
    return json_response(listed)


@router.get("/{delivery_id}", response_model=DeliveryOut)
async def get_delivery(delivery_id: str, request: Request) -> Response:
    """One delivery, with its attempts."""
    return json_response(await service.get_delivery(resources_of(request), delivery_id, caller_of(request)))


@router.post("/{delivery_id}/redeliver", status_code=202, response_model=DeliveryOut)
async def redeliver(delivery_id: str, request: Request) -> Response:
    """Deliver it again from now on, whatever became of it: the same `webhook-id` and body, and all tries anew."""
    delivery = await service.redeliver(resources_of(request), delivery_id, caller_of(request))
    return json_response(delivery, 202, {"Location": f"/v1/webhooks/deliveries/{delivery['id']}"})
