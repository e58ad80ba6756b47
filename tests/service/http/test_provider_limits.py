"""Limits of providers, seen from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.openai_stub import rate_limited

if TYPE_CHECKING:
    from tests.service.http.conftest import Serve


def test_a_request_that_would_wait_too_long_is_refused_with_the_limit_and_when_to_come_back(serve: Serve) -> None:
    live = serve(providers={"openai": {"requests_per_minute": 20, "max_wait_s": 0.2}})
    assert live.make().status_code == 201  # two calls: all that the bucket gives at once
    refused = live.make()
    assert refused.status_code == 503
    assert refused.json()["type"] == "urn:riddlewire:problem:provider-rate-limited"
    assert "our own limit of 20 requests a minute" in refused.json()["detail"]
    assert int(refused.headers["retry-after"]) >= 1
    assert len(live.stub.requests) == 2


def test_while_a_provider_is_left_alone_for_long_requests_are_refused_without_asking_it(serve: Serve) -> None:
    live = serve(providers={"openai": {"max_wait_s": 2.0}})
    live.stub.enqueue(rate_limited("40"))
    first, second = live.make(), live.make()
    assert (first.status_code, second.status_code) == (503, 503)
    assert "the pause that the provider asked for" in second.json()["detail"]
    assert 30 <= int(second.headers["retry-after"]) <= 42
    assert len(live.stub.requests) == 1
