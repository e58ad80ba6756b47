from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from chains.models.scope import CallScope
from domain.usage import Usage
from service.keys import KeyStore
from service.limits.budgets import BELIEVED_S, Budgets, DailyBudgets
from service.limits.errors import BudgetExhausted
from service.limits.ledger import Ledger
from service.problems import problem_of
from service.storage.spend import Account, SpendStore, Spent

if TYPE_CHECKING:
    from sqlalchemy import Engine

A_DOLLAR = Usage(input_tokens=10, output_tokens=5, cost_usd=1.0, calls=1)


@dataclass
class Clock:
    """Both of a budget's clocks: of the wall, and the one that never goes back."""

    now: datetime = datetime(2026, 11, 30, 18, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()


class Purse:
    """Budgets with all that they need, as one process has them."""

    def __init__(self, engine: Engine, clock: Clock, budgets: DailyBudgets) -> None:
        self.store = SpendStore(engine)
        self.ledger = Ledger(self.store, now=clock)
        self.budgets = Budgets(budgets, self.store, self.ledger, clock=clock.seconds, now=clock)

    async def call(self, scope: CallScope, usage: Usage = A_DOLLAR) -> None:
        await self.budgets.check(scope)
        self.ledger.add(scope, "openai", usage)
        self.budgets.spent(scope, usage)


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_calls_stop_when_the_days_money_is_spent_and_the_error_says_all_about_it(
    engine: Engine, clock: Clock
) -> None:
    purse = Purse(engine, clock, DailyBudgets(all_usd=2.0))
    for _ in range(2):
        await purse.call(CallScope())
    with pytest.raises(BudgetExhausted) as refused:
        await purse.call(CallScope())
    error = refused.value
    assert (error.budget, error.limit_usd, error.spent_usd) == ("all", 2.0, 2.0)
    assert error.resets_at == datetime(2026, 12, 1, tzinfo=UTC)
    assert error.retry_after_s == 6 * 3600
    assert str(error) == (
        "the daily budget of all calls together is spent (2.00 of 2.00 USD); it starts anew at 2026-12-01T00:00:00Z"
    )
    problem = problem_of(error)
    assert (problem.status, problem.headers["Retry-After"]) == (429, "21600")
    assert problem.body["type"] == "urn:riddlewire:problem:budget-exhausted"


async def test_a_new_utc_day_has_its_own_money(engine: Engine, clock: Clock) -> None:
    purse = Purse(engine, clock, DailyBudgets(all_usd=1.0))
    await purse.call(CallScope())
    with pytest.raises(BudgetExhausted):
        await purse.call(CallScope())
    clock.now += timedelta(hours=6)
    await purse.call(CallScope())


async def test_a_pipeline_over_its_budget_leaves_others_alone(engine: Engine, clock: Clock) -> None:
    purse = Purse(engine, clock, DailyBudgets(pipelines={"openai": 1.0}))
    await purse.call(CallScope(pipeline="openai"))
    with pytest.raises(BudgetExhausted, match="of pipeline 'openai' is spent"):
        await purse.call(CallScope(pipeline="openai"))
    await purse.call(CallScope(pipeline="cheap"))


async def test_a_key_over_its_budget_leaves_others_alone(engine: Engine, clock: Clock) -> None:
    keys = KeyStore(engine)
    poor, _ = keys.create("poor", daily_usd=1.0)
    rich, _ = keys.create("rich")
    purse = Purse(engine, clock, DailyBudgets())
    await purse.call(CallScope(key_id=poor.id))
    with pytest.raises(BudgetExhausted, match=f"of key '{poor.id}' is spent"):
        await purse.call(CallScope(key_id=poor.id))
    for _ in range(3):
        await purse.call(CallScope(key_id=rich.id))
        await purse.call(CallScope())


async def test_what_a_call_would_be_told_can_be_asked_without_making_one(engine: Engine, clock: Clock) -> None:
    purse = Purse(engine, clock, DailyBudgets(pipelines={"openai": 1.0}))
    scope = CallScope(pipeline="openai")
    assert await purse.budgets.refusal(scope) is None
    await purse.call(scope)
    refusal = await purse.budgets.refusal(scope)
    assert refusal is not None
    assert (refusal.budget, refusal.name) == ("pipeline", "openai")
    clock.now += timedelta(hours=6)
    assert await purse.budgets.refusal(scope) is None


async def test_a_budget_that_is_raised_counts_within_a_second(engine: Engine, clock: Clock) -> None:
    keys = KeyStore(engine)
    key, _ = keys.create("poor", daily_usd=1.0)
    purse = Purse(engine, clock, DailyBudgets())
    await purse.call(CallScope(key_id=key.id))
    keys.set_daily_usd(key.id, 2.0)
    clock.now += timedelta(seconds=BELIEVED_S + 0.1)
    await purse.call(CallScope(key_id=key.id))


async def test_what_another_process_spends_counts_within_a_second(engine: Engine, clock: Clock) -> None:
    budgets = DailyBudgets(all_usd=3.0)
    one, other = Purse(engine, clock, budgets), Purse(engine, clock, budgets)
    await one.call(CallScope())
    for _ in range(2):
        await other.call(CallScope())
    other.ledger.flush()
    clock.now += timedelta(seconds=BELIEVED_S + 0.1)
    with pytest.raises(BudgetExhausted):
        await one.call(CallScope())


async def test_nothing_is_counted_twice_for_long_nor_forgotten(engine: Engine, clock: Clock) -> None:
    purse = Purse(engine, clock, DailyBudgets(all_usd=100.0))
    for _ in range(20):
        await purse.call(CallScope())
        clock.now += timedelta(seconds=0.4)  # some readings fall between
    clock.now += timedelta(seconds=BELIEVED_S + 0.1)
    await purse.budgets.check(CallScope())
    purse.ledger.flush()
    account = Account("2026-11-30", "", "", "openai")
    assert purse.store.of_day("2026-11-30") == {
        account: Spent(calls=20, input_tokens=200, output_tokens=100, cost_usd=20.0)
    }
    tight = Purse(engine, clock, DailyBudgets(all_usd=20.0))
    with pytest.raises(BudgetExhausted):
        await tight.budgets.check(CallScope())


async def test_calls_of_unknown_price_count_as_nothing_and_are_told_apart(engine: Engine, clock: Clock) -> None:
    purse = Purse(engine, clock, DailyBudgets(all_usd=1.0))
    unpriced = Usage(input_tokens=10, output_tokens=5, cost_usd=None, calls=1)
    for _ in range(3):
        await purse.call(CallScope(), unpriced)
    purse.ledger.flush()
    (spent,) = purse.store.of_day("2026-11-30").values()
    assert (spent.calls, spent.unpriced_calls, spent.cost_usd) == (3, 3, 0.0)


async def test_without_budgets_and_keys_the_database_is_not_asked(engine: Engine, clock: Clock) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE spend"))
    await Purse(engine, clock, DailyBudgets()).budgets.check(CallScope())
    with pytest.raises(SQLAlchemyError):
        await Purse(engine, clock, DailyBudgets(all_usd=1.0)).budgets.check(CallScope())
