"""Puts the limits of a process together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from service.limits.admission import SharedAdmission
from service.limits.budgets import Budgets, DailyBudgets
from service.limits.cache import SharedStepCache
from service.limits.clerk import Clerk
from service.limits.door import DoorLimits
from service.limits.ledger import Ledger
from service.setting_groups.models import ProviderGroup
from service.storage.provider_limits import ProviderLimitStore, Rates
from service.storage.spend import SpendStore
from service.storage.step_cache import StepCacheStore

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from chains.models import ModelSettings
    from service.settings import Settings
    from service.storage.writer import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What limits the model calls of a process; `close` it after the last call.

    Args:
        admission: For `ChatModels`: lets calls out.
        cache: For `ChatModels`: remembers answers; None when the operator switched it off.
        budgets: What a day may cost.
        spend: What was spent.
        ledger: What this process has not written down yet.
        clerk: Keeps the limits with other processes.
    """

    admission: SharedAdmission
    cache: SharedStepCache | None
    budgets: Budgets
    spend: SpendStore
    ledger: Ledger
    clerk: Clerk

    def purge(self) -> int:
        """Drop answers that are too old or too many; from a worker thread, now and then. How many were dropped."""
        return self.cache.purge() if self.cache is not None else 0

    def close(self) -> None:
        """Write down what was spent and used, and give back what others may have."""
        self.clerk.close()
        if self.cache is not None:
            self.cache.note_hits()


def open_limits(settings: Settings, models: ModelSettings, engine: Engine, writer: Writer) -> Limits:
    """The limits that the operator set.

    Args:
        settings: Of the service.
        models: Of the providers.
        engine: What processes share.
        writer: Of that engine.
    """
    spend = SpendStore(engine)
    ledger = Ledger(spend)
    daily = DailyBudgets(all_usd=settings.budgets.daily_usd, pipelines=settings.budgets.pipelines)
    budgets = Budgets(daily, spend, ledger)
    alone = engine.dialect.name == "sqlite"
    admission = SharedAdmission(
        lambda provider: _door_limits(settings, models, provider),
        budgets,
        ledger,
        watched=not alone,
    )
    clerk = Clerk(admission.doors, ProviderLimitStore(engine), ledger, alone=alone)
    admission.wake = ledger.wake = clerk.wake
    return Limits(
        admission=admission,
        cache=_cache(settings, engine, writer),
        budgets=budgets,
        spend=spend,
        ledger=ledger,
        clerk=clerk,
    )


def _cache(settings: Settings, engine: Engine, writer: Writer) -> SharedStepCache | None:
    if not settings.cache.enabled:
        return None
    store = StepCacheStore(engine, kept=timedelta(days=settings.cache.days))
    return SharedStepCache(store, writer, max_rows=settings.cache.max_rows)


def _door_limits(settings: Settings, models: ModelSettings, provider: str) -> DoorLimits:
    from chains.models.providers import provider_settings

    group = settings.providers.get(provider, ProviderGroup())
    return DoorLimits(
        max_concurrency=provider_settings(models, provider).max_concurrency or 1,
        shared_concurrency=group.shared_concurrency,
        rates=Rates(requests=group.requests_per_minute, tokens=group.tokens_per_minute),
        max_wait_s=group.max_wait_s,
    )
