"""Whether the database is away: what fails for that alone says nothing about what was asked, and is tried again."""

from __future__ import annotations

from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from service.storage.refused_writes import refusal


def database_is_away(error: BaseException | None) -> bool:
    """Whether an error says that the database does not answer, or takes no writes: its disk is full, it is read-only.

    A read-only PostgreSQL, as after a failover, calls that an internal error (SQLSTATE 25006, class 25); other errors
    of that name are nobody's outage.
    """
    if isinstance(error, InternalError):
        return refusal(error.orig) is not None
    return isinstance(error, OperationalError | InterfaceError | PoolTimeout)
