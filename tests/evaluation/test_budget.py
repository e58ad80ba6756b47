from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chains.models import ChatModels, ModelSettings
from domain import Usage
from evaluation.errors import UnknownPrice
from evaluation.experiments import Budget, require_prices
from tests.evaluation.lab import Lab

if TYPE_CHECKING:
    from pathlib import Path

_PRICES = """
prices:
  scripted:
    one: {input: 0, output: 1000}
    two: {input: 0, output: 1000}
"""


def _priced(tmp_path: Path, **options: Any) -> Lab:
    prices = tmp_path / "prices.yaml"
    prices.write_text(_PRICES, encoding="utf-8")
    return Lab(tmp_path, models=ChatModels(ModelSettings(prices=prices)), **options)


def test_without_a_limit_everything_is_allowed() -> None:
    budget = Budget()
    budget.started()
    budget.ended(Usage(cost_usd=1e9, calls=1))
    assert budget.allows_one()


def test_what_is_under_way_counts_as_much_as_what_went_before() -> None:
    budget = Budget(1.0)
    budget.started()
    budget.ended(Usage(cost_usd=0.4, calls=1))
    assert budget.allows_one()
    budget.started()
    assert budget.allows_one()
    budget.started()
    assert not budget.allows_one()
    budget.ended(None)
    assert budget.allows_one()


async def test_an_experiment_stops_at_its_budget_and_goes_on_with_more(tmp_path: Path) -> None:
    lab = _priced(tmp_path, cases=5, concurrency=1)
    experiment = lab.begin()
    await lab.run(max_cost=1e-9)
    cost = lab.told[-1].cost_usd
    assert (len(experiment.outcomes()), lab.told[-1].unpriced) == (1, 0)
    assert cost > 0
    ran = await lab.run(max_cost=3.5 * cost)
    assert (ran.made, ran.left, ran.out_of_budget) == (3, 6, True)
    ran = await lab.run(max_cost=1000 * cost)
    assert (ran.made, ran.left, ran.out_of_budget) == (6, 0, False)


async def test_costs_that_nobody_knows_are_counted_apart(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.begin()
    await lab.run()
    assert (lab.told[-1].cost_usd, lab.told[-1].unpriced) == (0.0, 6)


def test_a_budget_is_refused_where_a_price_is_not_known(tmp_path: Path) -> None:
    require_prices(_priced(tmp_path).models, ["scripted:one", "embedded:smollm2-135m-instruct", "openai:gpt-5.4-mini"])
    with pytest.raises(UnknownPrice, match="nobody told the price of scripted:three, openai:potato"):
        require_prices(_priced(tmp_path).models, ["scripted:one", "scripted:three", "openai:potato"])
