"""Money, seen from outside: budgets, and who spent what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from structlog.testing import capture_logs

from tests.service.http.conftest import ARTICLE
from tests.service.http.test_streaming import STREAM, events_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.http.conftest import Live, Serve


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """A dollar for every token, so that one call is dear."""
    file = tmp_path / "prices.yaml"
    file.write_text("prices:\n  openai:\n    gpt-5.4-mini: {input: 1000000, output: 1000000}\n")
    return file


def key(live: Live, role: Any = "writer", **values: Any) -> tuple[str, dict[str, str]]:
    made, secret = live.resources.keys.create("newsroom", role, **values)
    return made.id, {"Authorization": f"Bearer {secret}"}


def make(live: Live, headers: dict[str, str]) -> Any:
    return live.post("/v1/riddles", json={"article": ARTICLE}, headers=headers)


def test_a_key_over_its_budget_is_told_which_how_much_and_until_when(serve: Serve, prices: Path) -> None:
    live = serve(prices=prices)
    key_id, headers = key(live, daily_usd=0.5)
    make(live, headers)
    asked = len(live.stub.requests)
    refused = make(live, headers)
    assert refused.status_code == 429
    assert refused.json()["type"] == "urn:riddlewire:problem:budget-exhausted"
    assert f"of key '{key_id}' is spent" in refused.json()["detail"]
    assert 0 < int(refused.headers["retry-after"]) <= 86_400
    assert len(live.stub.requests) == asked
    _, others = key(live)
    assert make(live, others).status_code == 201


def test_a_pipelines_and_everybodys_budget_hold_without_keys(serve: Serve, prices: Path) -> None:
    for budgets in ({"daily_usd": 0.5}, {"pipelines": {"openai": 0.5}}):
        live = serve(prices=prices, budgets=budgets)
        assert [live.make().status_code for _ in range(2)][-1] == 429
    assert serve(prices=prices, budgets={"pipelines": {"other": 0.5}}).make().status_code == 201


def test_a_stream_over_budget_ends_with_the_problem(serve: Serve, prices: Path) -> None:
    live = serve(prices=prices, budgets={"daily_usd": 0.0})
    name, data, *_ = events_of(live.post("/v1/riddles", json={"article": ARTICLE}, headers=STREAM).text)[-1]
    assert (name, data["status"], data["type"]) == ("error", 429, "urn:riddlewire:problem:budget-exhausted")


def test_admins_see_who_spent_what(serve: Serve, prices: Path) -> None:
    live = serve(prices=prices, budgets={"daily_usd": 1e6, "pipelines": {"openai": 1e5}})
    key_id, headers = key(live, daily_usd=1e4)
    used = make(live, headers).json()["usage"]
    _, admin = key(live, "admin")
    spend = live.get("/v1/spend", headers=admin).json()
    assert spend["day"] == datetime.now(UTC).date().isoformat()
    (item,) = spend["items"]
    assert item == {
        "key_id": key_id,
        "key_name": "newsroom",
        "pipeline": "openai",
        "provider": "openai",
        "calls": 2,
        "unpriced_calls": 0,
        "input_tokens": used["input_tokens"],
        "output_tokens": used["output_tokens"],
        "cost_usd": used["cost_usd"],
    }
    assert spend["total_usd"] == used["cost_usd"]
    assert [(each["budget"], each["name"], each["spent_usd"]) for each in spend["budgets"]] == [
        ("all", None, used["cost_usd"]),
        ("pipeline", "openai", used["cost_usd"]),
        ("key", key_id, used["cost_usd"]),
    ]
    assert live.get("/v1/spend?day=2020-01-01", headers=admin).json()["items"] == []


def test_only_admins_see_it(serve: Serve) -> None:
    live = serve()
    _, headers = key(live)
    assert live.get("/v1/spend", headers=headers).status_code == 403
    assert live.get("/v1/spend").status_code == 401


def test_a_day_that_is_none_is_refused(live: Live) -> None:
    assert live.get("/v1/spend?day=yesterday").status_code == 422


def test_a_service_with_an_idle_budget_starts_and_warns(serve: Serve) -> None:
    configured = structlog.get_config()
    structlog.reset_defaults()  # a test before may have left warnings out
    try:
        with capture_logs() as logs:
            serve(budgets={"pipelines": {"nope": 1.0, "openai": 1.0}})
    finally:
        structlog.configure(**configured)
    warned = [log for log in logs if log["event"] == "a budget protects nothing"]
    assert [log["log_level"] for log in warned] == ["warning"]
    assert "'nope'" in warned[0]["reason"]
