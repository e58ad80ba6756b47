"""What all processes share about providers: buckets of requests and tokens, pauses, and calls in flight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, literal_column, select, update

from service.limits.bucket import Bucket
from service.limits.shares import fair_shares
from service.storage.limit_tables import provider_leases, provider_limits
from service.storage.upsert import insert_into

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Select
    from sqlalchemy.engine import Connection, Engine

LEASE_S = 10.0
"""How long the calls of a process that died keep their places; each process renews its lease every second."""

URGENT_S = 2.0
"""How long batches hold back after a call was refused whose answer somebody waits for."""

_HELD_BACK_S = 0.25
_FULL = {"requests": 1e15, "tokens": 1e15, "paused_until": 0.0, "urgent_until": 0.0}
"""More than any bucket holds: filled to the brim, whatever its size will be."""

_NOW = {
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "extract(epoch from clock_timestamp())::double precision",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """A provider's limits per minute; None is no limit."""

    requests: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A call that wants to go out.

    Args:
        tokens: What it will use at most.
        urgent: Whether somebody waits for its answer.
    """

    tokens: int
    urgent: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """What was given.

    Args:
        granted: So many of the calls, from the first on.
        wait_s: Seconds until the next of them may be granted; 0 when all were.
        paused_s: Seconds that the provider is to be left alone.
    """

    granted: int
    wait_s: float = 0.0
    paused_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Lease:
    """Where a process stands with a provider.

    Args:
        slots: Calls that it may have in flight; fewer than there are when it has to make room for others.
        paused_s: Seconds that the provider is to be left alone.
    """

    slots: int
    paused_s: float


class ProviderLimitStore:
    """Limits in SQL, each change one transaction. Synchronous: call it from a worker thread.

    Args:
        engine: From `open_engine`.
        clock: Seconds; None asks the database, whose clock all processes share. Tests pass their own.
    """

    def __init__(self, engine: Engine, clock: Callable[[], float] | None = None) -> None:
        self._engine = engine
        self._clock = clock
        self._now_of_database: Select[Any] = select(literal_column(_NOW[engine.dialect.name]))
        self._begin_row = insert_into(provider_limits, engine).on_conflict_do_nothing()
        lease = insert_into(provider_leases, engine)
        self._lease = lease.on_conflict_do_update(
            index_elements=["provider", "holder"],
            set_={name: lease.excluded[name] for name in ("slots", "wanted", "expires_at")},
        )

    def take(self, provider: str, rates: Rates, asks: Sequence[Ask], *, unused: int = 0) -> Taken:
        """Let calls out, in their order, as far as the limits allow.

        Args:
            provider: Which one.
            rates: Its limits.
            asks: The most urgent first.
            unused: Tokens that earlier calls asked for and did not use; negative when they used more.
        """
        with self._engine.begin() as connection:
            row, now = self._locked(connection, provider)
            if row.paused_until > now:
                return Taken(0, row.paused_until - now, row.paused_until - now)
            requests, tokens = _buckets(rates, row, now)
            tokens = tokens and tokens.without(-unused)
            granted, wait = 0, 0.0
            for ask in asks:
                wait = _wait(ask, requests, tokens, held_back=row.urgent_until > now)
                if wait > 0:
                    break
                requests = requests and requests.without(1)
                tokens = tokens and tokens.without(ask.tokens)
                granted += 1
            left = {name: bucket.level for name, bucket in (("requests", requests), ("tokens", tokens)) if bucket}
            urgent = any(ask.urgent for ask in asks[granted:])
            values = {**left, "filled_at": now, "urgent_until": now + URGENT_S if urgent else row.urgent_until}
            connection.execute(_update(provider).values(values))
        return Taken(granted, wait)

    def pause(self, provider: str, seconds: float) -> None:
        """Let all processes leave a provider alone; a shorter pause does not end a longer one."""
        with self._engine.begin() as connection:
            row, now = self._locked(connection, provider)
            if now + seconds > row.paused_until:
                connection.execute(_update(provider).values(paused_until=now + seconds))

    def paused_s(self, provider: str) -> float:
        """Seconds that the provider is to be left alone; only reads."""
        with self._engine.connect() as connection:
            query = select(provider_limits.c.paused_until).where(provider_limits.c.provider == provider)
            paused_until = connection.execute(query).scalar()
            return max(0.0, paused_until - self._now(connection)) if paused_until else 0.0

    def lease(self, provider: str, holder: str, *, total: int, wanted: int, in_use: int) -> Lease:
        """Renew what a process holds of the calls in flight, and give it its fair share.

        Args:
            provider: Which one.
            holder: The process.
            total: Calls in flight, of all processes together.
            wanted: What the process could use.
            in_use: What it cannot give back: calls that are in flight now.
        """
        with self._engine.begin() as connection:
            row, now = self._locked(connection, provider)
            others = [row for row in self._leases(connection, provider, now) if row.holder != holder]
            wants = {row.holder: row.wanted for row in others} | {holder: max(wanted, in_use)}
            free = total - sum(row.slots for row in others)
            slots = min(fair_shares(total, wants, now)[holder], max(free, 0))
            held = max(slots, in_use)  # what is in flight beyond its share is others' only once it has ended
            values = {"provider": provider, "holder": holder, "slots": held, "wanted": wants[holder]}
            connection.execute(self._lease, {**values, "expires_at": now + LEASE_S})
            return Lease(slots, max(0.0, row.paused_until - now))

    def give_back(self, provider: str, holder: str) -> None:
        """A process makes no calls for now: others may have its places at once."""
        mine = (provider_leases.c.provider == provider) & (provider_leases.c.holder == holder)
        with self._engine.begin() as connection:
            connection.execute(delete(provider_leases).where(mine))

    def _locked(self, connection: Connection, provider: str) -> tuple[Any, float]:
        """The provider's row, which nobody else changes until the transaction ends, and the moment it was locked."""
        query = select(provider_limits).where(provider_limits.c.provider == provider).with_for_update()
        row = connection.execute(query).first()
        if row is None:
            connection.execute(self._begin_row, {**_FULL, "provider": provider, "filled_at": self._now(connection)})
            row = connection.execute(query).one()
        return row, self._now(connection)

    def _leases(self, connection: Connection, provider: str, now: float) -> Sequence[Any]:
        connection.execute(delete(provider_leases).where(provider_leases.c.expires_at <= now))
        return connection.execute(select(provider_leases).where(provider_leases.c.provider == provider)).all()

    def _now(self, connection: Connection) -> float:
        return self._clock() if self._clock else float(connection.execute(self._now_of_database).scalar_one())


def _update(provider: str) -> Any:
    return update(provider_limits).where(provider_limits.c.provider == provider)


def _buckets(rates: Rates, row: Any, now: float) -> tuple[Bucket | None, Bucket | None]:
    requests = Bucket.of_requests(rates.requests, row.requests, row.filled_at) if rates.requests else None
    tokens = Bucket.of_tokens(rates.tokens, row.tokens, row.filled_at) if rates.tokens else None
    return requests and requests.at_moment(now), tokens and tokens.at_moment(now)


def _wait(ask: Ask, requests: Bucket | None, tokens: Bucket | None, *, held_back: bool) -> float:
    """Seconds until a call may go out; 0 when it may now."""
    if held_back and not ask.urgent:
        return _HELD_BACK_S
    waits = [requests.wait_s(1)] if requests and not requests.gives(1) else []
    waits += [tokens.wait_s(ask.tokens)] if tokens and not tokens.gives(ask.tokens) else []
    return max(waits, default=0.0)
