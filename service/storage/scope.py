"""Whose rows somebody may see and change: those of a tenant, of one API key without a tenant, or all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, true

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


__all__ = ["EVERYTHING", "Everything", "OfKey", "OfTenant", "Scope", "owned"]
