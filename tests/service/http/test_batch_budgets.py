"""A batch that meets a spent daily budget, seen from outside. Each test has a service of its own."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.service.http.batches import articles

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.http.conftest import Live, Serve


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """A dollar for every token, so that one call is dear."""
    file = tmp_path / "prices.yaml"
    file.write_text("prices:\n  openai:\n    gpt-5.4-mini: {input: 1000000, output: 1000000}\n")
    return file


def until(live: Live, path: str, headers: dict[str, str], deferred: int) -> dict[str, Any]:
    """The batch, once so many of its articles wait for money and none is in hand."""
    ends = time.monotonic() + 30
    while True:
        batch: dict[str, Any] = live.get(path, headers=headers).json()
        if batch["counts"]["running"] == 0 and (batch["deferred"] or {"count": 0})["count"] == deferred:
            return batch
        assert time.monotonic() < ends, batch
        time.sleep(0.05)


def test_articles_of_a_batch_wait_for_their_keys_money_and_go_on_when_there_is_some(serve: Serve, prices: Path) -> None:
    live = serve(prices=prices, jobs={"concurrency": 1})
    key, secret = live.resources.keys.create("newsroom", "writer", daily_usd=0.5)
    headers = {"Authorization": f"Bearer {secret}"}
    answer = live.post("/v1/batches", json={"articles": articles(4, "poor")}, headers=headers)
    batch = until(live, answer.headers["Location"], headers, deferred=4)
    asked = len(live.stub.requests)
    assert asked == 1, "the first call spent the money, and no other was made"
    assert batch["counts"] | {"total": 4, "queued": 4, "failed": 0} == batch["counts"]
    assert batch["finished_at"] is None
    assert batch["eta_seconds"] is None
    assert batch["deferred"]["budgets"] == ["key"]
    assert batch["deferred"]["until"].endswith("T00:00:00Z")
    assert "the daily budget of the API key is spent; 4 articles wait" in batch["deferred"]["detail"]
    assert key.id not in batch["deferred"]["detail"]
    refused = live.post("/v1/riddles", json={"article": articles(1, "single")[0]}, headers=headers)
    assert refused.status_code == 429, "who waits for an answer is told"
    assert "4 wait (4 of them for a daily budget)" in live.get("/readyz").json()["dependencies"]["jobs"]["detail"]
    assert "\nriddlewire_jobs_deferred 4.0\n" in live.get("/metrics").text
    live.resources.keys.set_daily_usd(key.id, None)
    assert live.resources.worker is not None
    time.sleep(1.1)  # a budget is believed for a second
    assert asyncio.run(live.resources.worker.deferring.resume()) == 4
    with live.client(headers=headers) as client:
        while (done := client.get(answer.headers["Location"]).json())["finished_at"] is None:
            time.sleep(0.05)
    assert done["counts"]["published"] + done["counts"]["needs_review"] == 4
    assert done["deferred"] is None
    assert len(live.stub.requests) == 2 * 4, "the call that was answered before the money ran out is not paid for twice"
