"""Idempotency-Keys: the first request with a key works, later ones with the same body get its answer, byte for byte.

A request that works on a key holds it. When its process dies, another takes over: on SQLite the next serving process
does at its start (there is only ever one); on PostgreSQL the hold is a lease that its process renews and that runs out.
Each try has a token: one that lost its lease and wakes up late cannot overwrite the answer of the one after it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from service.storage.tables import batches, idempotency

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy.engine import Connection, Engine, Row

LEASE = timedelta(seconds=60)
"""How long a hold outlives its process on PostgreSQL; call `renew` a few times within it."""

KEPT = timedelta(hours=24)
"""How long an answer is replayed, counted from the first request. One that tells of a batch is replayed for as long as
the batch is open, and as long again after its end: whoever asks anew would pay for everything anew."""


@dataclass(frozen=True, slots=True)
class Started:
    """The caller is to do the work, and then to `finish` or `abandon` it.

    Args:
        owner: Whose key it is.
        key: The Idempotency-Key.
        token: Of this try.
    """

    owner: str
    key: str
    token: str


@dataclass(frozen=True, slots=True)
class Replay:
    """The work is done: give out this answer again."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class InProgress:
    """Another request is working on it: try again in some seconds."""

    retry_after_s: int = 2


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The key was used with another body."""


Begun = Started | Replay | InProgress | Mismatch


class IdempotencyStore:
    """Answers by owner and key. Synchronous: call it from a worker thread.

    Args:
        engine: From `open_engine`.
        clock: The moment, in UTC; tests pass their own.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine = engine
        self._clock = clock
        self._holder = uuid.uuid4().hex
        self._leases = engine.dialect.name != "sqlite"
        dialect = postgresql if self._leases else sqlite
        self._claim = dialect.insert(idempotency).on_conflict_do_nothing().returning(idempotency.c.token)

    def begin(self, owner: str, key: str, body_hash: str) -> Begun:
        """Claim a key, or say why not.

        Args:
            owner: API key id, or `anonymous`.
            key: The Idempotency-Key.
            body_hash: SHA-256 of the request, as hex.
        """
        started = Started(owner, key, uuid.uuid4().hex)
        with self._engine.begin() as connection:
            if connection.execute(self._claim, self._held(started, body_hash)).first() is not None:
                return started
            row = connection.execute(select(idempotency).where(_is(owner, key)).with_for_update()).first()
            if row is None:  # given back between the two statements: the next try of the caller will get it
                return InProgress(retry_after_s=1)
            if self._is_free(connection, row):
                values = {**_BLANK, **self._held(started, body_hash)}
                connection.execute(update(idempotency).where(_is(owner, key)).values(values))
                return started
        return _answer(row, body_hash)

    def finish(
        self,
        started: Started,
        *,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        batch_id: str | None = None,
        connection: Connection | None = None,
    ) -> bool:
        """Keep the answer for replays.

        Args:
            started: From `begin`.
            status: HTTP status.
            headers: Those that belong to the answer, such as Location.
            body: Its bytes.
            batch_id: Of the batch that the answer tells of.
            connection: An open write transaction to do it in, so that answer and riddle are kept together.

        Returns:
            Whether it was kept: not when this try has lost its hold to a later one.
        """
        answer = {"status": status, "headers": dict(headers), "body": body, "batch_id": batch_id}
        statement = update(idempotency).where(_is_try(started)).values(holder=None, lease_until=None, **answer)
        return self._write(statement, connection) == 1

    def abandon(self, started: Started) -> None:
        """Give the key back without an answer: the next request with it starts anew."""
        self._write(delete(idempotency).where(_is_try(started), idempotency.c.holder.is_not(None)))

    def renew(self) -> None:
        """Prolong all holds of this process; on PostgreSQL call it every 20 seconds or so while serving."""
        if self._leases:
            mine = idempotency.c.holder == self._holder
            self._write(update(idempotency).where(mine).values(lease_until=self._clock() + LEASE))

    def recover(self) -> int:
        """Free what a dead process held and drop expired answers; the serving process calls it at its start.

        Returns:
            How many keys were freed or dropped.
        """
        dead: ColumnElement[bool] = idempotency.c.holder.is_not(None)
        if self._leases:
            dead = and_(dead, idempotency.c.lease_until < self._clock())
        freed = self._write(delete(idempotency).where(dead))
        return freed + self.purge()

    def purge(self) -> int:
        """Drop answers that are replayed no more and return how many; call it now and then."""
        now = self._clock()
        return self._write(delete(idempotency).where(idempotency.c.expires_at <= now, ~_has_a_batch(now)))

    def _held(self, started: Started, body_hash: str) -> dict[str, Any]:
        now = self._clock()
        return {
            "owner": started.owner,
            "key": started.key,
            "token": started.token,
            "body_hash": body_hash,
            "holder": self._holder,
            "lease_until": now + LEASE if self._leases else None,
            "expires_at": now + KEPT,
        }

    def _is_free(self, connection: Connection, row: Row[Any]) -> bool:
        now = self._clock()
        if row.holder is not None and row.lease_until is not None and row.lease_until < now:
            return True
        return bool(row.expires_at <= now) and not self._has_a_batch(connection, row, now)

    def _has_a_batch(self, connection: Connection, row: Row[Any], now: datetime) -> bool:
        query = select(idempotency.c.key).where(_is(row.owner, row.key), _has_a_batch(now))
        return connection.execute(query).first() is not None

    def _write(self, statement: Any, connection: Connection | None = None) -> int:
        if connection is not None:
            return connection.execute(statement).rowcount
        with self._engine.begin() as own:
            return own.execute(statement).rowcount


_BLANK: dict[str, Any] = {"status": None, "headers": None, "body": None, "batch_id": None}


def _is(owner: str, key: str) -> ColumnElement[bool]:
    return and_(idempotency.c.owner == owner, idempotency.c.key == key)


def _has_a_batch(now: datetime) -> ColumnElement[bool]:
    """Whether the batch that an answer tells of is open, or has not ended for long."""
    alive = or_(batches.c.finished_at.is_(None), batches.c.finished_at > now - KEPT)
    return exists().where(batches.c.id == idempotency.c.batch_id, alive)


def _is_try(started: Started) -> ColumnElement[bool]:
    return and_(_is(started.owner, started.key), idempotency.c.token == started.token)


def _answer(row: Row[Any], body_hash: str) -> Begun:
    if row.body_hash != body_hash:
        return Mismatch()
    if row.holder is not None:
        return InProgress()
    return Replay(row.status, row.headers, bytes(row.body))
