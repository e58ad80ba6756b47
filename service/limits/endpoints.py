"""/v1/spend."""

import asyncio
from datetime import date

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from service.answers import json_response
from service.auth import caller_of
from service.limits import service
from service.limits.schemas import SpendPage
from service.resources import resources_of
from service.routing import AdminRoute

reads = APIRouter(prefix="/v1/spend", tags=["operations"], route_class=AdminRoute)


@reads.get("", response_model=SpendPage)
async def show_spend(request: Request, day: date | None = None) -> Response:
    """Who spent what on a UTC day, today unless another is named, and of which budget.

    An admin with a tenant is told of the tenant's keys alone.
    """
    resources = resources_of(request)
    wanted = day.isoformat() if day else service.today()
    await asyncio.to_thread(resources.limits.ledger.flush)  # what this process knows counts too
    limits, budgets, tenant = resources.limits, resources.settings.budgets, caller_of(request).tenant
    found = await asyncio.to_thread(service.spend_of_day, limits.spend, budgets, wanted, tenant=tenant)
    return json_response(found)
