from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from retrievers.connections import Lookup, system_lookup
from service.feeds.opening import open_feeds
from service.settings import Settings
from tests.support.feeds import FakeClock, RememberedBatches

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

    from service.feeds.feeds import Feeds

OpenFeeds = Callable[..., "Feeds"]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def batches(engine: Engine) -> RememberedBatches:
    return RememberedBatches(engine)


@pytest.fixture
def open_them(engine: Engine, clock: FakeClock, batches: RememberedBatches, tmp_path: Path) -> OpenFeeds:
    """The feeds of a process that may read from loopback; called twice, of two processes."""

    def open_one(lookup: Lookup = system_lookup, **settings: Any) -> Feeds:
        given = Settings(
            home=tmp_path / "home",
            feeds={"networks": ("127.0.0.1/32", "::1/128"), "pause_s": 0, "fetch_s": 5} | settings,
        )
        return open_feeds(given, engine, check_pipeline=lambda name: name, batches=batches, clock=clock, lookup=lookup)

    return open_one


@pytest.fixture
def feeds(open_them: OpenFeeds) -> Feeds:
    return open_them()
