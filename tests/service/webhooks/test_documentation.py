"""docs/webhooks.md: its code verifies what we send, and its numbers are the code's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from service.setting_groups.background import WebhookSettings
from service.webhooks import deliverer, retries
from service.webhooks.signing import new_secret, signed_headers

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text(encoding="utf-8")
CODE = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
BODY = '{"type":"batch.done","data":{"name":"Zürich"}}'.encode()


@pytest.fixture(params=CODE, ids=["library", "plain"])
def event_of(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """The function that a block of the page defines."""
    names: dict[str, Any] = {}
    exec(request.param, names)
    found: Callable[..., Any] = names["event_of"]
    return found


def test_a_receiver_built_as_the_page_says_takes_our_events(event_of: Callable[..., Any]) -> None:
    secret = new_secret()
    event = event_of(BODY, signed_headers("whd_1", datetime.now(UTC), BODY, secret), secret)
    assert event == {"type": "batch.done", "data": {"name": "Zürich"}}


def test_it_refuses_what_is_forged_or_old(event_of: Callable[..., Any]) -> None:
    secret, now = new_secret(), datetime.now(UTC)
    headers = signed_headers("whd_1", now, BODY, secret)
    old = signed_headers("whd_1", now - timedelta(minutes=6), BODY, secret)
    assert event_of(BODY, headers, new_secret()) is None
    assert event_of(BODY + b" ", headers, secret) is None
    assert event_of(BODY, headers | {"webhook-id": "whd_2"}, secret) is None
    assert event_of(BODY, old, secret) is None


def test_the_page_names_the_numbers_of_the_code() -> None:
    text = " ".join(PAGE.split())
    assert "in 5 s, then 1 min, 5 min, 30 min, 2 h, 4 h, 7 h and 9 h, each up to a tenth more or less" in text
    minutes = [wait.total_seconds() / 60 for wait in retries.WAITS]
    assert minutes == [5 / 60, 1, 5, 30, 2 * 60, 4 * 60, 7 * 60, 9 * 60]
    assert retries.JITTER == 0.1
    assert f"none later than {retries.KEEP_TRYING.total_seconds() / 3600:g} hours after the first" in text
    defaults = WebhookSettings()
    assert f"`RIDDLEWIRE_WEBHOOKS_TIMEOUT_S` ({defaults.timeout_s:g} s)" in text
    assert f"`RIDDLEWIRE_WEBHOOKS_KEEP_DAYS` ({defaults.keep_days})" in text
    assert f"`RIDDLEWIRE_WEBHOOKS_CONCURRENCY` ({defaults.concurrency})" in text
    assert f"(the timeout and {deliverer.LEASE.total_seconds():g} s)" in text
