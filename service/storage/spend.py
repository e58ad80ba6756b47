"""What was spent, by day, key, pipeline and provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from service.storage.limit_tables import spend
from service.storage.tables import api_keys
from service.storage.upsert import insert_into

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy.engine import Engine

_SUMS = ("calls", "unpriced_calls", "input_tokens", "output_tokens", "cost_usd")


@dataclass(frozen=True, slots=True)
class Account:
    """What calls are booked under.

    Args:
        day: UTC, as YYYY-MM-DD.
        key_id: Of the API key they were made for; empty without keys.
        pipeline: Whose run they belong to; empty outside one.
        provider: Before the colon of the model's name.
    """

    day: str
    key_id: str
    pipeline: str
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What calls took; add up with `+`.

    Args:
        calls: That were answered; answers from the cache are none.
        unpriced_calls: Of models whose price nobody told us: their cost counts as nothing here.
        input_tokens: Read.
        output_tokens: Written.
        cost_usd: US dollars, of known prices.
    """

    calls: int = 0
    unpriced_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        """The sum."""
        return Spent(**{name: getattr(self, name) + getattr(other, name) for name in _SUMS})


class SpendStore:
    """Spend in SQL. Synchronous: call it from a worker thread.

    Args:
        engine: From `open_engine`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        insert = insert_into(spend, engine)
        self._add = insert.on_conflict_do_update(
            index_elements=["day", "key_id", "pipeline", "provider"],
            set_={name: spend.c[name] + insert.excluded[name] for name in _SUMS},
        )

    def add(self, entries: Mapping[Account, Spent]) -> None:
        """Add to what stands there, all or nothing, in one order for all processes so that none waits for another."""
        rows = [
            {**_columns(account), **{name: getattr(spent, name) for name in _SUMS}}
            for account, spent in sorted(entries.items(), key=lambda entry: tuple(_columns(entry[0]).values()))
        ]
        if rows:
            with self._engine.begin() as connection:
                connection.execute(self._add, rows)

    def of_day(self, day: str, *, key_id: str | None = None, tenant: str | None = None) -> dict[Account, Spent]:
        """Everything of a UTC day, the dearest first; only one key's, or one tenant's keys', where that is named."""
        query = select(spend).where(spend.c.day == day).order_by(spend.c.cost_usd.desc(), *spend.primary_key.columns)
        if key_id is not None:
            query = query.where(spend.c.key_id == key_id)
        if tenant is not None:
            query = query.where(spend.c.key_id.in_(select(api_keys.c.id).where(api_keys.c.tenant == tenant)))
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return {_account(row): Spent(**{name: getattr(row, name) for name in _SUMS}) for row in rows}

    def costs_of_day(self, day: str) -> dict[tuple[str, str], float]:
        """US dollars of a UTC day by key and pipeline."""
        query = (
            select(spend.c.key_id, spend.c.pipeline, func.sum(spend.c.cost_usd))
            .where(spend.c.day == day)
            .group_by(spend.c.key_id, spend.c.pipeline)
        )
        with self._engine.connect() as connection:
            return {(key_id, pipeline): float(cost) for key_id, pipeline, cost in connection.execute(query)}

    def budgets_of_keys(self, *, tenant: str | None = None) -> dict[str, float]:
        """US dollars a day by key, of those keys that have a budget; only one tenant's where one is named."""
        query = select(api_keys.c.id, api_keys.c.daily_usd).where(api_keys.c.daily_usd.is_not(None))
        if tenant is not None:
            query = query.where(api_keys.c.tenant == tenant)
        with self._engine.connect() as connection:
            return {key_id: float(usd) for key_id, usd in connection.execute(query)}

    def names_of_keys(self, key_ids: Iterable[str]) -> dict[str, str]:
        """What people call keys, by id."""
        query = select(api_keys.c.id, api_keys.c.name).where(api_keys.c.id.in_(list(key_ids)))
        with self._engine.connect() as connection:
            return {row.id: row.name for row in connection.execute(query)}


def _columns(account: Account) -> dict[str, str]:
    return {
        "day": account.day,
        "key_id": account.key_id,
        "pipeline": account.pipeline,
        "provider": account.provider,
    }


def _account(row: Any) -> Account:
    return Account(row.day, row.key_id, row.pipeline, row.provider)
