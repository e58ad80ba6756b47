"""Whose rows somebody may see and change: those of a tenant, of one API key without a tenant, or all.

`owned` is the rule of what somebody asked for (batches, webhook deliveries), `readable` that of what many read
(riddles: those of no tenant are everybody's), `of_tenant` that of what belongs to the house (feeds).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, or_, true

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table


@dataclass(frozen=True, slots=True)
class Everything:
    """All rows, of every tenant: for admins without a tenant, and for the service itself."""


@dataclass(frozen=True, slots=True)
class OfTenant:
    """Rows that any key of this tenant made."""

    tenant: str


@dataclass(frozen=True, slots=True)
class OfKey:
    """Rows that this key, which has no tenant, made."""

    key_id: str


Scope = Everything | OfTenant | OfKey

EVERYTHING: Final = Everything()


def owned(scope: Scope, table: Table) -> ColumnElement[bool]:
    """The condition on a table with the columns `tenant` and `key_id`."""
    match scope:
        case Everything():
            return true()
        case OfTenant(tenant):
            return table.c.tenant == tenant
        case OfKey(key_id):
            return and_(table.c.tenant.is_(None), table.c.key_id == key_id)


def readable(scope: Scope, table: Table) -> ColumnElement[bool]:
    """The condition on a table with the column `tenant`, whose rows without a tenant are everybody's."""
    nobodys = table.c.tenant.is_(None)
    match scope:
        case Everything():
            return true()
        case OfTenant(tenant):
            return or_(table.c.tenant == tenant, nobodys)
        case OfKey():
            return nobodys


def of_tenant(scope: Scope, table: Table) -> ColumnElement[bool]:
    """The condition on a table with the column `tenant`: exactly the caller's, be it none."""
    match scope:
        case Everything():
            return true()
        case OfTenant(tenant):
            return table.c.tenant == tenant
        case OfKey():
            return table.c.tenant.is_(None)


__all__ = ["EVERYTHING", "Everything", "OfKey", "OfTenant", "Scope", "of_tenant", "owned", "readable"]
