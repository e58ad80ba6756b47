"""Who is asking, and may they: checked by the route before it reads a body."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from service.errors import Forbidden, RateLimitExceeded, Unauthenticated
from service.ratelimit import parse_rate
from service.storage.scope import EVERYTHING, OfKey, OfTenant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from service.keys import Key, KeyStore, Role
    from service.resources import Resources
    from service.storage.scope import Scope

_RANK: Mapping[Role, int] = {"reader": 0, "writer": 1, "admin": 2}
_LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain"})
_LONGEST_KEY = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a request.

    Args:
        role: What they may do; each role may do what the ones before it may.
        key_id: Of their API key; None where no keys exist.
        tenant: Whose examples they see beside everybody's, and whose batches and spend; None is of no tenant.
        rate: Their own rate, such as `60/minute`; None takes the service's.
    """

    role: Role
    key_id: str | None = None
    tenant: str | None = None
    rate: str | None = None

    @property
    def owner(self) -> str:
        """Whose Idempotency-Keys and calls are counted together."""
        return self.key_id or "anonymous"

    def may(self, role: Role) -> bool:
        """Whether they may do what `role` may."""
        return _RANK[self.role] >= _RANK[role]

    @property
    def scope(self) -> Scope:
        """Whose batches, webhook deliveries, riddles and feeds they see and act on, as `service.storage.scope` says."""
        if self.tenant is not None:
            return OfTenant(self.tenant)
        return EVERYTHING if self.may("admin") else OfKey(self.owner)

    def sees(self, tenant: str | None) -> bool:
        """Whether they see what belongs to `tenant`."""
        return tenant in (None, self.tenant)


_parsed = lru_cache(maxsize=1024)(parse_rate)

LOCAL = Caller(role="admin")
"""Whoever sits at this machine, as long as no key exists."""


async def admit(request: Request, role: Role, resources: Resources) -> None:
    """Find out who is asking and whether they may do what `role` may; `caller_of` gives the answer afterwards.

    Raises:
        Unauthenticated: No key, or one we do not know.
        Forbidden: The key has a lesser role.
        RateLimitExceeded: The key is over its rate.
    """
    caller = await _identify(request, resources)
    request.scope["caller"] = caller
    _count(request, caller, resources)
    if not caller.may(role):
        raise Forbidden(role, caller.role)


def caller_of(request: Request) -> Caller:
    """Who was admitted."""
    caller: Caller = request.scope["caller"]
    return caller


def secret_of(request: Request) -> str | None:
    """The key a request carries in `Authorization: Bearer` or `X-API-Key`; None when it carries none."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    secret = credentials if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    return secret.strip()[:_LONGEST_KEY] or None


async def _identify(request: Request, resources: Resources) -> Caller:
    secret = secret_of(request)
    if secret is not None:
        key = await _verified(resources.keys, secret)
        if key is None:
            raise Unauthenticated("this API key is not known or was revoked")
        return Caller(role=key.role, key_id=key.id, tenant=key.tenant, rate=key.rate)
    if not resources.settings.serves_loopback_only or await _keys_exist(resources.keys):
        raise Unauthenticated("no API key was sent")
    _check_local(request)
    return LOCAL


async def _verified(keys: KeyStore, secret: str) -> Key | None:
    is_known, key = keys.verify_cached(secret)
    return key if is_known else await asyncio.to_thread(keys.verify, secret)


async def _keys_exist(keys: KeyStore) -> bool:
    known = keys.exist_cached()
    return await asyncio.to_thread(keys.exist) if known is None else known


def _check_local(request: Request) -> None:
    """Without keys a request must name this machine: a web page elsewhere that resolves its own name to us does not."""
    host = request.url.hostname or ""
    if host.lower() not in _LOCAL_NAMES and not _is_loopback(host):
        raise Unauthenticated(f"without API keys only this machine is served, not {host[:100]!r}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _count(request: Request, caller: Caller, resources: Resources) -> None:
    rate = caller.rate or resources.settings.limits.rate
    if rate is None:
        return
    state = resources.limiter.hit(caller.owner, _parsed(rate))
    headers = state.headers()
    request.scope["rate_headers"] = headers
    if not state.allowed:
        raise RateLimitExceeded(state.reset_s, headers)
