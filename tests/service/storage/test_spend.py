from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from service.keys import KeyStore
from service.storage.spend import Account, SpendStore, Spent

if TYPE_CHECKING:
    from sqlalchemy import Engine

DAY = "2026-11-30"
ONE = Spent(calls=1, unpriced_calls=0, input_tokens=100, output_tokens=20, cost_usd=0.25)


@pytest.fixture
def store(engine: Engine) -> SpendStore:
    return SpendStore(engine)


def test_what_is_added_adds_up(store: SpendStore) -> None:
    account = Account(DAY, "4f1c", "openai", "openai")
    store.add({account: ONE})
    store.add({account: ONE + ONE})
    assert store.of_day(DAY) == {
        account: Spent(calls=3, unpriced_calls=0, input_tokens=300, output_tokens=60, cost_usd=0.75)
    }
    assert store.of_day("2026-12-01") == {}


def test_many_processes_lose_nothing(store: SpendStore) -> None:
    accounts = [Account(DAY, key, "openai", "openai") for key in "abc"]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: store.add(dict.fromkeys(accounts, ONE)), range(24)))
    assert {spent.calls for spent in store.of_day(DAY).values()} == {24}


def test_costs_are_summed_by_key_and_pipeline_over_providers(store: SpendStore) -> None:
    store.add({Account(DAY, "4f1c", "openai", provider): ONE for provider in ("openai", "vllm")})
    store.add({Account(DAY, "", "openai", "openai"): ONE})
    assert store.costs_of_day(DAY) == {("4f1c", "openai"): 0.5, ("", "openai"): 0.25}


def test_budgets_of_keys_are_those_that_were_set(engine: Engine, store: SpendStore) -> None:
    keys = KeyStore(engine)
    keys.create("without")
    key, _ = keys.create("with", daily_usd=5.0)
    assert store.budgets_of_keys() == {key.id: 5.0}
    keys.set_daily_usd(key.id, None)
    assert store.budgets_of_keys() == {}


def test_a_tenant_is_told_of_its_own_keys(engine: Engine, store: SpendStore) -> None:
    keys = KeyStore(engine)
    ours, _ = keys.create("ours", tenant="news", daily_usd=5.0)
    theirs, _ = keys.create("theirs", tenant="sport", daily_usd=6.0)
    store.add({Account(DAY, key_id, "openai", "openai"): ONE for key_id in (ours.id, theirs.id, "")})
    assert store.of_day(DAY, tenant="news") == {Account(DAY, ours.id, "openai", "openai"): ONE}
    assert store.of_day(DAY, tenant="nobody") == {}
    assert store.budgets_of_keys(tenant="news") == {ours.id: 5.0}
