"""Which webhook deliveries are due, and claiming them for one process.

An attempt is claimed by an atomic update that leaves a token and a lease. While the lease lasts nobody else claims the
delivery; when its process dies, the lease runs out and another attempt is made. One that wakes up late finds its token
gone and changes nothing. So attempts never run side by side, and every event is delivered at least once.

A redelivery that is asked for while an attempt is made leaves the claim in force and marks its token: the attempt finds
the mark when it ends, in the very statement that writes down what came of it.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from service.storage.delivery_rows import Claimed, claimed_row
from service.storage.webhook_tables import webhook_deliveries as table

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy.engine import Connection, Engine

_TOKEN: Final = 32
_MARK: Final = "+"

MARKED: Final = func.substr(table.c.claim, 1, _TOKEN).concat(_MARK)
"""A row's claim with the mark, once however often that is asked for; null where there is no claim."""

_LOOKED_AT = 200
"""Due deliveries that are looked at together to find some that fit into the free slots."""


def marked(token: str) -> str:
    """What the claim of that token is once a redelivery was asked for."""
    return token + _MARK


def due(engine: Engine, now: datetime, free: int, busy: Counter[str], per_host: int) -> Sequence[str]:
    """Ids of due deliveries that fit into the free slots; looks on behind a crowd that waits for one host.

    Args:
        engine: From `open_engine`.
        now: The moment, in UTC.
        free: At most so many.
        busy: Attempts at each host that run already; those found here are counted in.
        per_host: Attempts at one host at once.
    """
    wanted: list[str] = []
    while len(wanted) < free:
        full = [host for host, count in busy.items() if count >= per_host]
        rows = _candidates(engine, now, full, besides=wanted)
        wanted += [row.id for row in rows if _has_room(busy, row.host, per_host)][: free - len(wanted)]
        if len(rows) < _LOOKED_AT:
            break
    return wanted


def _candidates(engine: Engine, now: datetime, full: Collection[str], besides: Collection[str]) -> Sequence[Any]:
    query = (
        select(table.c.id, table.c.host)
        .where(_is_due(now), table.c.host.not_in(full), table.c.id.not_in(besides))
        .order_by(table.c.next_attempt_at)
        .limit(_LOOKED_AT)
    )
    with engine.connect() as connection:
        return connection.execute(query).all()


def _is_due(now: datetime) -> ColumnElement[bool]:
    free = or_(table.c.claimed_until.is_(None), table.c.claimed_until <= now)
    return and_(table.c.next_attempt_at <= now, free)


def _has_room(busy: Counter[str], host: str, per_host: int) -> bool:
    busy[host] += 1
    return busy[host] <= per_host


def take(connection: Connection, wanted: Sequence[str], *, now: datetime, lease: timedelta) -> tuple[Claimed, ...]:
    """Claim those that are still free, locked one by one so that two processes never wait for each other in a circle.

    Args:
        connection: In a transaction, which the caller commits.
        wanted: Ids, in the order in which they are given back.
        now: The moment, in UTC.
        lease: How long nobody else may attempt them.
    """
    free = select(table.c.id).where(table.c.id.in_(wanted), _is_due(now)).with_for_update(skip_locked=True)
    ids = connection.execute(free).scalars().all()
    token = uuid.uuid4().hex
    statement = (
        update(table).where(table.c.id.in_(ids)).values(claim=token, claimed_until=now + lease).returning(*table.c)
    )
    rows = connection.execute(statement).all()
    order = {delivery_id: place for place, delivery_id in enumerate(wanted)}
    return tuple(claimed_row(row, token) for row in sorted(rows, key=lambda row: order[row.id]))
