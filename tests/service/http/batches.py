"""What tests of batches share."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from tests.service.http.conftest import ARTICLE

if TYPE_CHECKING:
    import httpx

    from tests.service.http.conftest import Live


def articles(count: int, words: str = "news") -> list[dict[str, Any]]:
    return [{**ARTICLE, "text": f"{ARTICLE['text']} This was the {words} of day {number}."} for number in range(count)]


def finished(live: Live, answer: httpx.Response, timeout_s: float = 30) -> dict[str, Any]:
    """The batch of an answer, once it is over."""
    assert answer.status_code == 202, answer.text
    ends = time.monotonic() + timeout_s
    while time.monotonic() < ends:
        batch = live.get(answer.headers["Location"]).json()
        if batch["finished_at"]:
            return dict(batch)
        time.sleep(0.1)
    raise AssertionError(f"the batch is not done: {batch}")


def results(live: Live, batch: dict[str, Any]) -> list[dict[str, Any]]:
    """All items of a batch."""
    lines = live.get(f"/v1/batches/{batch['id']}/results", headers={"Accept": "application/x-ndjson"})
    return [json.loads(line) for line in lines.text.splitlines()]
