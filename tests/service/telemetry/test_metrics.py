from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from domain import Check
from domain.errors import ProviderTimedOut
from service.limits.errors import BudgetExhausted
from service.telemetry.metrics import Metrics
from service.telemetry.observer import MetricsObserver
from tests.service.telemetry.runs import Model, Pipeline, Step
from tests.support.riddles import a_riddle


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


async def run(pipeline: Pipeline, metrics: Metrics, **options: Any) -> None:
    await pipeline.ainvoke("an article", {"callbacks": [MetricsObserver(metrics, **options)]})


async def test_model_calls_are_counted_by_provider_and_model_with_tokens_and_cost() -> None:
    metrics = Metrics()
    await run(Pipeline(Step("summarize", Model()), Step("riddle", Model())), metrics, price=lambda *_: 0.25)

    model = {"provider": "openai", "model": "small"}
    assert value(metrics, "riddlewire_model_calls_total", **model, outcome="ok") == 2
    assert value(metrics, "riddlewire_model_tokens_total", **model, kind="input") == 60
    assert value(metrics, "riddlewire_model_tokens_total", **model, kind="output") == 10
    assert value(metrics, "riddlewire_model_tokens_total", **model, kind="cached") == 40
    assert value(metrics, "riddlewire_model_cost_usd_total", **model) == 0.5
    assert value(metrics, "riddlewire_model_call_seconds_count", **model) == 2


async def test_a_streamed_call_is_counted_like_any_other() -> None:
    metrics = Metrics()
    await run(Pipeline(Step("riddle", Model(), stream=True)), metrics)

    assert value(metrics, "riddlewire_model_calls_total", provider="openai", model="small", outcome="ok") == 1
    assert value(metrics, "riddlewire_model_tokens_total", provider="openai", model="small", kind="output") == 5


async def test_an_unknown_price_is_not_a_cost_of_nothing() -> None:
    metrics = Metrics()
    await run(Pipeline(Step("riddle", Model())), metrics)

    assert value(metrics, "riddlewire_model_cost_usd_total", provider="openai", model="small") is None
    assert value(metrics, "riddlewire_model_unpriced_calls_total", provider="openai", model="small") == 1


async def test_an_article_that_a_spent_budget_puts_off_has_not_failed() -> None:
    metrics = Metrics()
    spent = BudgetExhausted(
        "all", "", limit_usd=1, spent_usd=1, resets_at=datetime(2030, 1, 1, tzinfo=UTC), retry_after_s=1
    )
    with pytest.raises(BudgetExhausted):
        await run(Pipeline(Step("riddle", Model(error=spent))), metrics)
    assert value(metrics, "riddlewire_riddles_total", pipeline="embedded", status="failed") is None


def test_refusals_are_shown_before_the_first_so_that_a_rate_sees_it() -> None:
    shown = {budget: value(Metrics(), "riddlewire_budget_refusals_total", budget=budget) for budget in ("key", "all")}
    assert shown == {"key": 0, "all": 0}


async def test_a_failed_call_and_its_pipeline_are_counted_as_failed() -> None:
    metrics = Metrics()
    failing = Model(error=ProviderTimedOut("openai", "too slow"))
    with pytest.raises(ProviderTimedOut):
        await run(Pipeline(Step("riddle", failing)), metrics)

    outcome = {"provider": "openai", "model": "small", "outcome": "ProviderTimedOut"}
    assert value(metrics, "riddlewire_model_calls_total", **outcome) == 1
    assert value(metrics, "riddlewire_riddles_total", pipeline="embedded", status="failed") == 1


async def test_a_riddle_is_counted_once_with_attempts_checks_and_times() -> None:
    metrics = Metrics()
    checks = (Check(name="leakage", passed=False), Check(name="form", passed=True))
    await run(Pipeline(Step("retrieve", None), status="needs_review", checks=checks), metrics)

    assert value(metrics, "riddlewire_riddles_total", pipeline="embedded", status="needs_review") == 1
    assert value(metrics, "riddlewire_riddle_attempts_sum", pipeline="embedded") == 2
    assert value(metrics, "riddlewire_check_failures_total", pipeline="embedded", check="leakage") == 1
    assert value(metrics, "riddlewire_check_failures_total", pipeline="embedded", check="form") is None
    assert value(metrics, "riddlewire_retrieval_seconds_sum", pipeline="embedded") == 0.0015
    assert value(metrics, "riddlewire_riddle_seconds_sum", pipeline="embedded") == 0.4125


async def test_runs_at_the_same_time_do_not_mix() -> None:
    metrics = Metrics()
    observer = MetricsObserver(metrics)
    pipeline = Pipeline(Step("summarize", Model()), Step("riddle", Model()))
    await asyncio.gather(*(pipeline.ainvoke("x", {"callbacks": [observer]}) for _ in range(20)))

    assert value(metrics, "riddlewire_model_calls_total", provider="openai", model="small", outcome="ok") == 40
    assert (observer._calls, observer._roots) == ({}, {})


def test_requests_are_counted_by_route_and_in_flight_is_asked_for_at_each_scrape() -> None:
    metrics = Metrics()
    metrics.observe_request("POST", "/v1/riddles", 201, 0.25)
    metrics.watch_in_flight(lambda: 3)

    assert value(metrics, "riddlewire_http_requests_total", method="POST", route="/v1/riddles", status="201") == 1
    assert value(metrics, "riddlewire_http_request_seconds_sum", method="POST", route="/v1/riddles") == 0.25
    assert value(metrics, "riddlewire_in_flight") == 3


@pytest.mark.parametrize(
    ("accept", "kind"), [("", "text/plain"), ("application/openmetrics-text; version=1.0.0", "application/openmetrics")]
)
def test_the_exposition_is_read_by_prometheus_and_in_the_format_it_asked_for(accept: str, kind: str) -> None:
    metrics = Metrics()
    metrics.observe_riddle(a_riddle())

    content, content_type = metrics.exposition(accept)

    assert content_type.startswith(kind)
    names = {family.name for family in text_string_to_metric_families(metrics.exposition()[0].decode())}
    assert "riddlewire_riddles" in names
    assert b"riddlewire_riddles_total" in content


def test_set_up_once_every_run_of_the_process_is_seen() -> None:
    program = """
import asyncio
from service.settings import Settings
from service.telemetry import metrics, setup
from tests.service.telemetry.runs import Model, Pipeline, Step
setup(Settings()); setup(Settings())
async def main():
    await asyncio.create_task(Pipeline(Step("riddle", Model())).ainvoke("x"))
asyncio.run(main())
labels = {"pipeline": "embedded", "status": "published"}
print(metrics.process.registry.get_sample_value("riddlewire_riddles_total", labels))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("1.0\n", 0), done.stderr
