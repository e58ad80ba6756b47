"""API keys: `rw_<id>_<secret>`, shown once, kept as a hash.

The secret is 192 random bits, so nobody guesses it and a plain SHA-256 is enough at rest: slow hashes such as bcrypt
exist for passwords that people choose, and here would only cost every request its milliseconds. Looking a key up by its
public id first and comparing hashes in constant time lets nobody learn a hash from how long a refusal takes.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

from sqlalchemy import select, update

from domain.errors import InvalidInput, NotFound
from service.ratelimit import parse_rate
from service.storage.tables import api_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Engine, Row

Role = Literal["reader", "writer", "admin"]
"""Each may do what the ones before it may."""

CACHED_S = 1.0
"""How long an answer of the database is believed: a revoked key works at most so long, in every process."""

_FORM = re.compile(r"rw_([0-9a-f]{12})_[0-9a-f]{48}")
_NOBODY = bytes(32)
_CACHE_SIZE = 4096
_LONGEST_NAME = 200
_LONGEST_TENANT = 100


class InvalidKey(InvalidInput):
    """A key cannot be made like that."""

    noun = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An API key without its secret.

    Args:
        id: The middle part of what the caller sends; may be shown.
        name: Whose it is, for people to read.
        role: What it may do.
        rate: Its own rate, such as `60/minute`; None takes the service's.
        tenant: Whose things it works with, beside those that are everybody's; see `service.storage.scope`.
        daily_usd: What its calls of models may cost in a UTC day, in US dollars; None is no limit.
        created_at: In UTC.
        revoked_at: None while it works.
    """

    id: str
    name: str
    role: Role
    rate: str | None
    tenant: str | None
    created_at: datetime
    revoked_at: datetime | None = None
    daily_usd: float | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """A row, or that there is none, as read a moment ago."""

    key: Key | None
    secret_hash: bytes
    read_at: float


class KeyStore:
    """Keys in SQL. Synchronous: call it from a worker thread, but for `verify_cached`, which never waits.

    Args:
        engine: From `open_engine`.
        clock: Seconds that never go back; tests pass their own.
    """

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._exists_until: float = -1.0
        self._lock = threading.Lock()

    def create(
        self,
        name: str,
        role: Role = "writer",
        rate: str | None = None,
        *,
        tenant: str | None = None,
        daily_usd: float | None = None,
    ) -> tuple[Key, str]:
        """Make a key.

        Returns:
            The key, and its secret, which is shown once and never again.

        Raises:
            InvalidKey: The name or the tenant is blank or too long, there is no such role, or the budget is below 0.
            InvalidRate: The rate cannot be read.
        """
        key = Key(
            id=secrets.token_hex(6),
            name=_checked_words("name", name, _LONGEST_NAME),
            role=_checked_role(role),
            rate=parse_rate(rate).text if rate else None,
            tenant=None if tenant is None else _checked_words("tenant", tenant, _LONGEST_TENANT),
            created_at=datetime.now(UTC),
            daily_usd=_checked_usd(daily_usd),
        )
        secret = f"rw_{key.id}_{secrets.token_hex(24)}"
        with self._engine.begin() as connection:
            connection.execute(api_keys.insert(), {**_row_of(key), "secret_hash": _hash(secret)})
        self._exists_until = float("inf")
        return key, secret

    def verify(self, secret: str) -> Key | None:
        """The key a caller sent, or None when it is unknown or revoked; at most one query a second a key."""
        key_id = _id_in(secret)
        if key_id is None:
            return None
        known = self._fresh(key_id) or self._read(key_id)
        return _matching(known, secret)

    def verify_cached(self, secret: str) -> tuple[bool, Key | None]:
        """The same without ever waiting, for the event loop.

        Returns:
            Whether the answer is known, and the answer; when it is not, call `verify` from a worker thread.
        """
        key_id = _id_in(secret)
        if key_id is None:
            return True, None
        known = self._fresh(key_id)
        return (False, None) if known is None else (True, _matching(known, secret))

    def exist(self) -> bool:
        """Whether any key was ever made: then callers need one, even when all are revoked by now."""
        if self._exists_until == float("inf"):
            return True
        if self._clock() >= self._exists_until:
            with self._engine.connect() as connection:
                found = connection.execute(select(api_keys.c.id).limit(1)).first() is not None
            self._exists_until = float("inf") if found else self._clock() + CACHED_S
        return self._exists_until == float("inf")

    def exist_cached(self) -> bool | None:
        """The same without waiting; None when the database has to be asked."""
        if self._exists_until == float("inf"):
            return True
        return False if self._clock() < self._exists_until else None

    def list(self) -> tuple[Key, ...]:
        """All keys, revoked ones too, oldest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)).all()
        return tuple(_key(row) for row in rows)

    def revoke(self, key_id: str) -> None:
        """Make a key useless, for good; revoking it again changes nothing.

        Raises:
            NotFound: There is no such key.
        """
        with self._engine.begin() as connection:
            if connection.execute(select(api_keys.c.id).where(api_keys.c.id == key_id)).first() is None:
                raise NotFound("API key", key_id)
            active = (api_keys.c.id == key_id) & api_keys.c.revoked_at.is_(None)
            connection.execute(update(api_keys).where(active).values(revoked_at=datetime.now(UTC)))
        with self._lock:
            self._known.pop(key_id, None)

    def set_daily_usd(self, key_id: str, daily_usd: float | None) -> None:
        """Give a key another daily budget, or none; calls are measured by it within a second.

        Raises:
            InvalidKey: The budget is below 0.
            NotFound: There is no such key.
        """
        change = update(api_keys).where(api_keys.c.id == key_id).values(daily_usd=_checked_usd(daily_usd))
        with self._engine.begin() as connection:
            if connection.execute(change).rowcount == 0:
                raise NotFound("API key", key_id)

    def _fresh(self, key_id: str) -> _Known | None:
        known = self._known.get(key_id)
        return known if known is not None and self._clock() - known.read_at < CACHED_S else None

    def _read(self, key_id: str) -> _Known:
        now = self._clock()
        with self._engine.connect() as connection:
            row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).first()
        known = _Known(_key(row), bytes(row.secret_hash), now) if row is not None else _Known(None, _NOBODY, now)
        with self._lock:
            if len(self._known) >= _CACHE_SIZE:
                self._known.clear()
            self._known[key_id] = known
        return known


def _matching(known: _Known, secret: str) -> Key | None:
    same = hmac.compare_digest(_hash(secret), known.secret_hash)
    key = known.key
    return key if same and key is not None and key.revoked_at is None else None


def _id_in(secret: str) -> str | None:
    match = _FORM.fullmatch(secret)
    return match[1] if match else None


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _checked_words(field: str, text: str, longest: int) -> str:
    stripped = text.strip()
    if not stripped or len(stripped) > longest or not stripped.isprintable():
        raise InvalidKey(field, f"must be 1 to {longest} printable characters")
    return stripped


def _checked_role(role: str) -> Role:
    for known in get_args(Role):
        if role == known:
            return role  # type: ignore[return-value]  # it is one of them
    raise InvalidKey("role", f"must be one of {', '.join(get_args(Role))}")


def _checked_usd(usd: float | None) -> float | None:
    if usd is not None and not 0 <= usd < math.inf:
        raise InvalidKey("daily_usd", "must be 0 or more US dollars")
    return usd


def _row_of(key: Key) -> dict[str, Any]:
    return {name: getattr(key, name) for name in Key.__slots__}


def _key(row: Row[Any]) -> Key:
    return Key(
        id=row.id,
        name=row.name,
        role=row.role,
        rate=row.rate,
        tenant=row.tenant,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
        daily_usd=row.daily_usd,
    )
