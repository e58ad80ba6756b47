"""Keeps webhook deliveries: what is to be sent and the log of what came of it; `delivery_claims` says by whom."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, delete, func, select, update

from domain.errors import NotFound
from service.storage.delivery_claims import MARKED, due, marked, take
from service.storage.delivery_rows import (
    Attempt,
    Claimed,
    Delivery,
    DeliveryStatus,
    NewDelivery,
    Verdict,
    attempts_with,
    delivery_of,
)
from service.storage.page import Page, decode_cursor, page_of
from service.storage.scope import EVERYTHING, owned
from service.storage.webhook_tables import webhook_deliveries as table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy.engine import Connection, Engine

    from service.storage.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries to list; what is None does not matter.

    Args:
        status: `pending`, `delivered` or `failed`.
        subject: Id of what the event is about, exactly.
        scope: Only those that these callers asked for.
    """

    status: DeliveryStatus | None = None
    subject: str | None = None
    scope: Scope = EVERYTHING


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be delivered.

    Args:
        pending: How many deliveries.
        oldest: When the event of the oldest of them happened; None when nothing waits.
    """

    pending: int
    oldest: datetime | None


def add_delivery(connection: Connection, new: NewDelivery) -> None:
    """Keep a delivery in the caller's transaction, due at once: it exists if and only if that is committed."""
    values = {"status": "pending", "attempts": [], "attempt_count": 0, "tries": 0, "next_attempt_at": new.created_at}
    connection.execute(table.insert(), {**asdict(new), **values})


class DeliveryRepository:
    """Deliveries in SQL. Synchronous: call it from a worker thread.

    Args:
        engine: From `open_engine`.
        clock: The moment, in UTC; tests pass their own. Leases compare the clocks of the processes that share a
            database: keep them closer together than a lease is long.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine = engine
        self._clock = clock

    def claim(
        self, free: int, *, lease: timedelta, busy: Mapping[str, int] | None = None, per_host: int = 1
    ) -> tuple[Claimed, ...]:
        """Claim deliveries that are due, those first that have waited longest.

        Args:
            free: At most so many.
            lease: How long nobody else may attempt them.
            busy: How many attempts at each host are running already.
            per_host: Attempts at one host at once; a host that has as many is passed over.
        """
        wanted = due(self._engine, self._clock(), free, Counter(busy or {}), per_host)
        if not wanted:
            return ()
        with self._engine.begin() as connection:
            return take(connection, wanted, now=self._clock(), lease=lease)

    def record(self, claimed: Claimed, attempt: Attempt, verdict: Verdict) -> DeliveryStatus | None:
        """Log an attempt, and what becomes of the delivery.

        Where a redelivery was asked for meanwhile, an attempt that did not deliver is none of its tries.

        Returns:
            What became of it; None, and nothing is logged, when the lease ran out and somebody else claimed it since.
        """
        logged = {
            "attempts": attempts_with(claimed.attempts, attempt),
            "attempt_count": table.c.attempt_count + 1,
            "claim": None,
            "claimed_until": None,
        }
        ended = {**logged, **asdict(verdict), "tries": claimed.tries + 1}
        mine = update(table).where(table.c.id == claimed.id)
        again = mine.where(table.c.claim == marked(claimed.token))
        with self._engine.begin() as connection:
            if connection.execute(mine.where(table.c.claim == claimed.token).values(ended)).rowcount:
                return verdict.status
            values = ended if verdict.status == "delivered" else logged
            row = connection.execute(again.values(values).returning(table.c.status)).first()
        return None if row is None else row.status

    def recover(self) -> int:
        """Free what a dead process had claimed; a process that begins to deliver calls it.

        On SQLite there is only ever one such process, so every claim is a dead one's. On PostgreSQL leases run out.

        Returns:
            How many deliveries were freed.
        """
        if self._engine.dialect.name != "sqlite":
            return 0
        freed = {"claim": None, "claimed_until": None}
        return self._write(update(table).where(table.c.claim.is_not(None)).values(freed))

    def redeliver(self, delivery_id: str, *, scope: Scope = EVERYTHING) -> Delivery:
        """Make a delivery due now, with all its tries before it, whatever became of it.

        One that an attempt is being made for right now is attempted again only when that fails: its claim is marked, so
        that `record` knows.

        Raises:
            NotFound: There is none of that id in the scope.
        """
        anew = {"status": "pending", "tries": 0, "give_up_at": None, "next_attempt_at": self._clock(), "claim": MARKED}
        with self._engine.begin() as connection:
            mine = update(table).where(table.c.id == delivery_id, owned(scope, table))
            row = connection.execute(mine.values(anew).returning(*_SHOWN)).first()
        if row is None:
            raise NotFound("webhook delivery", delivery_id)
        return delivery_of(row)

    def get(self, delivery_id: str, *, scope: Scope = EVERYTHING) -> Delivery:
        """The delivery of that id.

        Raises:
            NotFound: There is none of that id in the scope.
        """
        query = select(*_SHOWN).where(table.c.id == delivery_id, owned(scope, table))
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotFound("webhook delivery", delivery_id)
        return delivery_of(row)

    def list(
        self, filters: DeliveryFilter = DeliveryFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[Delivery]:
        """A page of deliveries, newest first.

        Args:
            filters: Which ones.
            limit: At most so many.
            cursor: `next_cursor` of the page before.

        Raises:
            InvalidCursor: The cursor is not one of ours.
        """
        query = _restrict(select(*_SHOWN), filters).order_by(table.c.id.desc()).limit(limit + 1)
        if cursor is not None:
            query = query.where(table.c.id < decode_cursor(cursor))
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return page_of(rows, limit, delivery_of)

    def backlog(self) -> Backlog:
        """What waits to be delivered, of all callers."""
        query = select(func.count(), func.min(table.c.created_at)).where(table.c.next_attempt_at.is_not(None))
        with self._engine.connect() as connection:
            pending, oldest = connection.execute(query).one()
        return Backlog(pending, oldest)

    def purge(self, older_than: timedelta) -> int:
        """Drop deliveries of events before that, and their secrets, unless they are pending; returns how many."""
        old = table.c.created_at < self._clock() - older_than
        return self._write(delete(table).where(old, table.c.status != "pending"))

    def _write(self, statement: Any) -> int:
        with self._engine.begin() as connection:
            return connection.execute(statement).rowcount


_SHOWN = tuple(column for column in table.c if column.name in Delivery.__slots__)


def _restrict(query: Select[Any], filters: DeliveryFilter) -> Select[Any]:
    for column, value in (
        (table.c.status, filters.status),
        (table.c.subject, filters.subject),
    ):
        if value is not None:
            query = query.where(column == value)
    return query.where(owned(filters.scope, table))


__all__ = ["Backlog", "DeliveryFilter", "DeliveryRepository", "add_delivery"]
