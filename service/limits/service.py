"""What /v1/spend and `riddlewire spend` tell: who spent what on a day, and of which budget."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from service.setting_groups.callers import BudgetSettings
    from service.storage.spend import Account, SpendStore, Spent


def today() -> str:
    """The UTC day it is, as YYYY-MM-DD."""
    return datetime.now(UTC).date().isoformat()


def spend_of_day(store: SpendStore, settings: BudgetSettings, day: str, *, tenant: str | None = None) -> dict[str, Any]:
    """Who spent what on a UTC day. Synchronous: call it from a worker thread.

    Args:
        store: What was spent.
        settings: Budgets of pipelines and of all.
        day: As YYYY-MM-DD.
        tenant: Only what its keys spent, and only their budgets: those of all and of pipelines tell of others, too.
    """
    entries = store.of_day(day, tenant=tenant)
    keys = store.budgets_of_keys(tenant=tenant)
    names = store.names_of_keys({account.key_id for account in entries if account.key_id})
    return {
        "day": day,
        "total_usd": sum(spent.cost_usd for spent in entries.values()),
        "budgets": [*(_shared_budgets(entries, settings) if tenant is None else ()), *_key_budgets(entries, keys)],
        "items": [_item(account, spent, names) for account, spent in entries.items()],
        "next_cursor": None,
    }


def _shared_budgets(entries: Mapping[Account, Spent], settings: BudgetSettings) -> Iterator[dict[str, Any]]:
    if settings.daily_usd is not None:
        yield {"budget": "all", "name": None, "daily_usd": settings.daily_usd, "spent_usd": _spent(entries)}
    for name, usd in settings.pipelines.items():
        yield {"budget": "pipeline", "name": name, "daily_usd": usd, "spent_usd": _spent(entries, pipeline=name)}


def _key_budgets(entries: Mapping[Account, Spent], keys: Mapping[str, float]) -> Iterator[dict[str, Any]]:
    for key_id, usd in keys.items():
        yield {"budget": "key", "name": key_id, "daily_usd": usd, "spent_usd": _spent(entries, key_id=key_id)}


def _spent(entries: Mapping[Account, Spent], **of: str) -> float:
    """US dollars of the accounts that are as `of` says."""
    costs = (
        spent.cost_usd
        for account, spent in entries.items()
        if all(getattr(account, name) == value for name, value in of.items())
    )
    return sum(costs, 0.0)


def _item(account: Account, spent: Spent, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "key_id": account.key_id or None,
        "key_name": names.get(account.key_id),
        "pipeline": account.pipeline or None,
        "provider": account.provider,
        "calls": spent.calls,
        "unpriced_calls": spent.unpriced_calls,
        "input_tokens": spent.input_tokens,
        "output_tokens": spent.output_tokens,
        "cost_usd": spent.cost_usd,
    }
