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


def spend_of_day(store: SpendStore, settings: BudgetSettings, day: str) -> dict[str, Any]:
    """Who spent what on a UTC day. Synchronous: call it from a worker thread.

    Args:
        store: What was spent.
        settings: Budgets of pipelines and of all.
        day: As YYYY-MM-DD.
    """
    entries = store.of_day(day)
    names = store.names_of_keys({account.key_id for account in entries if account.key_id})
    return {
        "day": day,
        "total_usd": sum(spent.cost_usd for spent in entries.values()),
        "budgets": list(_budgets(entries, settings, store.budgets_of_keys())),
        "items": [_item(account, spent, names) for account, spent in entries.items()],
        "next_cursor": None,
    }


def _budgets(
    entries: Mapping[Account, Spent], settings: BudgetSettings, keys: Mapping[str, float]
) -> Iterator[dict[str, Any]]:
    def spent(**of: str) -> float:
        return sum(
            (
                each.cost_usd
                for account, each in entries.items()
                if all(getattr(account, name) == value for name, value in of.items())
            ),
            0.0,
        )

    if settings.daily_usd is not None:
        yield {"budget": "all", "name": None, "daily_usd": settings.daily_usd, "spent_usd": spent()}
    for name, usd in settings.pipelines.items():
        yield {"budget": "pipeline", "name": name, "daily_usd": usd, "spent_usd": spent(pipeline=name)}
    for key_id, usd in keys.items():
        yield {"budget": "key", "name": key_id, "daily_usd": usd, "spent_usd": spent(key_id=key_id)}


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
