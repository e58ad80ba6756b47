from __future__ import annotations

import asyncio
import gc
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from service.batches.watching import LEISURE, LOOK_EVERY_S, MOST_EVERY_S, Watched, Watching
from service.storage.batch_rows import Counts, StoredBatch


@dataclass
class Shelf:
    """A database with a clock of its own: each reading takes `cost_s` of it."""

    cost_s: float = 0.001
    now: float = 100.0
    readings: int = 0
    go: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.go.set()

    def clock(self) -> float:
        return self.now

    def read(self, batch_id: str = "bat_1") -> StoredBatch:
        assert self.go.wait(10)
        self.readings += 1
        self.now += self.cost_s
        return StoredBatch(
            id=batch_id,
            created_at=datetime.now(UTC),
            finished_at=None,
            cancelled_at=None,
            pipeline="p",
            key_id=None,
            tenant=None,
            total=self.readings,
            webhook=None,
            counts=Counts(),
        )


async def test_twenty_who_watch_at_once_cost_one_reading() -> None:
    shelf = Shelf()
    shelf.go.clear()
    watched = Watched(shelf.read, shelf.clock)
    looks = [asyncio.create_task(watched.look()) for _ in range(20)]
    await asyncio.sleep(0.05)
    shelf.go.set()
    assert {batch.total for batch in await asyncio.gather(*looks)} == {1}
    assert shelf.readings == 1


@pytest.mark.parametrize(
    ("cost_s", "age_s"), [(0.001, LOOK_EVERY_S), (0.1, 0.1 * LEISURE), (60.0, MOST_EVERY_S)], ids=str
)
async def test_a_batch_that_is_costly_to_read_is_read_less_often(cost_s: float, age_s: float) -> None:
    shelf = Shelf(cost_s)
    watched = Watched(shelf.read, shelf.clock)
    await watched.look()
    shelf.now += age_s - 0.01
    assert (await watched.look()).total == 1
    shelf.now += 0.02
    assert (await watched.look()).total == 2


async def test_who_comes_later_is_not_told_how_it_was_before() -> None:
    shelf = Shelf()
    watched = Watched(shelf.read, shelf.clock)
    await watched.look()
    assert (await watched.look(since=shelf.now)).total == 2
    assert (await watched.look(since=shelf.now - 1)).total == 2


async def test_a_reading_that_fails_is_told_to_who_asked_and_tried_again_for_the_next() -> None:
    shelf = Shelf()
    fails = [ValueError("away")]

    def read() -> StoredBatch:
        if fails:
            raise fails.pop()
        return shelf.read()

    watched = Watched(read, shelf.clock)
    with pytest.raises(ValueError, match="away"):
        await watched.look()
    assert (await watched.look()).total == 1


async def test_a_batch_is_shared_while_somebody_watches_it_and_forgotten_after_that() -> None:
    shelf = Shelf()
    watching = Watching(shelf.read)
    first, other = watching.at("bat_1"), watching.at("bat_2")
    assert watching.at("bat_1") is first
    assert (await first.look()).id == "bat_1"
    assert (await other.look()).id == "bat_2"
    del first, other
    gc.collect()
    await watching.at("bat_1").look()
    assert shelf.readings == 3
