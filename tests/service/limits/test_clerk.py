"""Rounds of the clerk, one at a time, by a clock of the test's own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from domain.errors import ProviderRateLimited
from service.limits.clerk import Clerk
from service.limits.door import Door, DoorLimits
from service.limits.ledger import Ledger
from service.storage.provider_limits import LEASE_S, ProviderLimitStore, Rates
from service.storage.spend import SpendStore

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from chains.models.scope import Priority


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


class Hall:
    """One door and its clerk, who works when the test says so."""

    def __init__(self, engine: Engine, limits: DoorLimits) -> None:
        self.clock = Clock()
        self.rings = 0
        self.door = Door("openai", limits, self._ring, clock=self.clock)
        store = ProviderLimitStore(engine, self.clock)
        self.clerk = Clerk({"openai": self.door}, store, Ledger(SpendStore(engine)), alone=False, clock=self.clock)
        self.store = store

    def _ring(self) -> None:
        self.rings += 1

    def round(self) -> float | None:
        return self.clerk._round()

    async def waiting(self, *tokens: int, batch: bool = False) -> list[asyncio.Task[float]]:
        priority: Priority = "batch" if batch else "interactive"
        tasks = [asyncio.create_task(self.door.enter(priority, count)) for count in tokens]
        await self.settled()
        return tasks

    async def settled(self) -> None:
        for _ in range(6):
            await asyncio.sleep(0)


@pytest.fixture
def shared(engine: Engine) -> Hall:
    return Hall(engine, DoorLimits(max_concurrency=8, shared_concurrency=4))


@pytest.fixture
def by_the_minute(engine: Engine) -> Hall:
    return Hall(engine, DoorLimits(max_concurrency=8, rates=Rates(tokens=1000)))


async def test_a_door_is_shut_until_places_are_leased(shared: Hall) -> None:
    calls = await shared.waiting(1, 1, 1, 1, 1)
    assert not any(call.done() for call in calls)
    shared.round()
    await shared.settled()
    assert [call.done() for call in calls] == [True] * 4 + [False]
    calls[-1].cancel()


async def test_an_idle_process_gives_its_places_back_and_asks_again_when_it_is_called(shared: Hall) -> None:
    (call,) = await shared.waiting(1)
    due = shared.round()
    assert due is not None
    await call
    shared.door.leave()
    while due is not None:
        shared.clock.now = due
        due = shared.round()
    assert shared.clock.now < 1000 + LEASE_S
    assert shared.store.lease("openai", "another", total=4, wanted=4, in_use=0).slots == 4
    rings = shared.rings
    (call,) = await shared.waiting(1)
    assert shared.rings > rings
    call.cancel()


async def test_a_lease_that_cannot_be_renewed_runs_out(engine: Engine, shared: Hall) -> None:
    (call,) = await shared.waiting(1)
    shared.round()
    await call
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE provider_limits RENAME TO lost"))
    shared.clock.now += LEASE_S / 2
    shared.round()
    assert shared.door.places.size > 0
    shared.clock.now += LEASE_S
    shared.round()
    assert shared.door.places.size == 0
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE lost RENAME TO provider_limits"))
    shared.clock.now += 2
    shared.round()
    assert shared.door.places.size > 0


async def test_who_comes_later_and_matters_more_is_asked_for_at_once(by_the_minute: Hall) -> None:
    await asyncio.gather(*await _let_in(by_the_minute, 100))
    (batch,) = await by_the_minute.waiting(90, batch=True)
    by_the_minute.clock.now += 1.0
    due = by_the_minute.round()
    assert due is not None
    assert due > by_the_minute.clock.now + 0.5
    (urgent,) = await by_the_minute.waiting(5)
    by_the_minute.round()
    await by_the_minute.settled()
    assert (urgent.done(), batch.done()) == (True, False)
    batch.cancel()


async def test_a_paused_door_opens_when_the_pause_is_over(engine: Engine) -> None:
    hall = Hall(engine, DoorLimits(max_concurrency=8))
    began = await hall.door.enter("interactive", 0)
    hall.clock.now += 1
    hall.door.failed(ProviderRateLimited("openai", "slow down", retry_after_s=3.0), began=began)
    hall.door.leave()
    (call,) = await hall.waiting(0)
    due = hall.round()
    assert due is not None
    assert not call.done()
    while not call.done():
        hall.clock.now = due
        due = hall.round() or due
        await hall.settled()
    assert 1004.0 <= hall.clock.now <= 1005.0


async def test_a_refusal_elsewhere_is_heard_of_within_a_second(engine: Engine) -> None:
    hall = Hall(engine, DoorLimits(max_concurrency=8))
    await hall.door.enter("interactive", 0)
    due = hall.round()
    hall.store.pause("openai", 5.0)
    assert due is not None
    assert due <= 1001.0
    hall.clock.now = due
    hall.round()
    assert hall.door.pressure.paused_s > 3.0
    assert not hall.door.places.try_enter()


async def _let_in(hall: Hall, tokens: int) -> list[asyncio.Task[float]]:
    calls = await hall.waiting(tokens)
    hall.round()
    return calls
