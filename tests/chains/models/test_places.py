from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chains.models.places import Places

if TYPE_CHECKING:
    from chains.models.scope import Priority


async def settled() -> None:
    """Let everything happen that can."""
    for _ in range(6):
        await asyncio.sleep(0)


async def test_interactive_calls_go_before_batches_and_each_in_order_of_arrival() -> None:
    places, order = Places(1), []
    await places.enter("batch")

    async def call(name: str, priority: Priority) -> None:
        await places.enter(priority)
        order.append(name)
        places.leave()

    calls: list[tuple[str, Priority]] = [("b1", "batch"), ("i1", "interactive"), ("b2", "batch"), ("i2", "interactive")]
    tasks = []
    for name, priority in calls:
        tasks.append(asyncio.create_task(call(name, priority)))
        await settled()
    places.leave()
    await asyncio.gather(*tasks)
    assert order == ["i1", "i2", "b1", "b2"]
    assert (places.used, places.waiting) == (0, 0)


async def test_a_cancelled_waiter_leaves_its_turn_to_the_next() -> None:
    places = Places(1)
    await places.enter("interactive")
    first, second = (asyncio.create_task(places.enter("interactive")) for _ in range(2))
    await settled()
    first.cancel()
    await settled()
    places.leave()
    await second
    assert (places.used, places.waiting) == (1, 0)


async def test_one_that_is_cancelled_as_its_turn_comes_gives_its_place_back() -> None:
    places = Places(1)
    await places.enter("interactive")
    waiter = asyncio.create_task(places.enter("interactive"))
    await settled()
    places.leave()  # the waiter has its place now, and has not run yet
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert places.try_enter()


async def test_fewer_places_throw_nobody_out_and_let_nobody_in() -> None:
    places = Places(3)
    for _ in range(3):
        await places.enter("interactive")
    places.resize(1)
    places.leave()
    assert not places.try_enter()
    places.leave()
    places.leave()
    assert places.try_enter()


async def test_frozen_places_let_nobody_in_beyond_those_who_are_in() -> None:
    places = Places(4)
    await places.enter("interactive")
    assert places.freeze() == 1
    waiter = asyncio.create_task(places.enter("interactive"))
    await settled()
    assert not waiter.done()
    places.resize(4)
    await waiter


async def test_more_places_let_in_who_waits() -> None:
    places = Places(0)
    waiters = [asyncio.create_task(places.enter("interactive")) for _ in range(3)]
    await settled()
    places.resize(2)
    await settled()
    assert [waiter.done() for waiter in waiters] == [True, True, False]
    places.resize(3)
    await waiters[2]


async def test_held_places_are_given_one_by_one_to_those_who_come_first() -> None:
    rings: list[int] = []
    places = Places(2, held=True, on_wait=lambda: rings.append(1))
    batch = asyncio.create_task(places.enter("batch", 10))
    urgent = asyncio.create_task(places.enter("interactive", 20))
    third = asyncio.create_task(places.enter("batch", 30))
    await settled()
    heads = places.first(9)
    assert [(head.tokens, head.is_urgent) for head in heads] == [(20, True), (10, False)]  # no room for the third
    places.admit(heads[:1])
    await urgent
    assert not batch.done()
    assert len(rings) == 3
    places.hold(held=False)
    await batch
    places.leave()
    await third


async def test_who_has_left_the_queue_is_not_let_in() -> None:
    places = Places(2, held=True)
    waiter = asyncio.create_task(places.enter("interactive"))
    await settled()
    heads = places.first(2)
    waiter.cancel()
    await settled()
    places.admit(heads)
    assert (places.used, places.waiting) == (0, 0)


def test_loops_of_several_threads_share_places() -> None:
    places, inside, most = Places(2), 0, 0
    lock = threading.Lock()

    async def call() -> None:
        nonlocal inside, most
        await places.enter("interactive")
        with lock:
            inside += 1
            most = max(most, inside)
        await asyncio.sleep(0.001)
        with lock:
            inside -= 1
        places.leave()

    async def many() -> None:
        await asyncio.gather(*(call() for _ in range(40)))

    threads = [threading.Thread(target=lambda: asyncio.run(many())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most == 2
    assert (places.used, places.waiting) == (0, 0)


actions = st.lists(st.tuples(st.sampled_from(["enter", "leave", "cancel", "resize"]), st.integers(0, 5)), max_size=60)


@settings(deadline=None)
@given(st.integers(0, 3), actions)
def test_places_are_never_lost_nor_given_twice(size: int, steps: list[tuple[str, int]]) -> None:
    async def run() -> None:
        places = Places(size)
        tasks: list[asyncio.Task[None]] = []
        for action, number in steps:
            inside = [task for task in tasks if task.done() and not task.cancelled()]
            outside = [task for task in tasks if not task.done()]
            if action == "enter":
                tasks.append(asyncio.create_task(places.enter("batch" if number % 2 else "interactive")))
            elif action == "leave" and inside:
                tasks.remove(inside[0])
                places.leave()
            elif action == "cancel" and outside:
                outside[number % len(outside)].cancel()
            elif action == "resize":
                places.resize(number)
            await settled()
            held = sum(task.done() and not task.cancelled() for task in tasks)
            waits = sum(not task.done() for task in tasks)
            assert (places.used, places.waiting) == (held, waits)
            assert not waits or places.used >= places.size
        for task in tasks:
            task.cancel()
        await settled()

    asyncio.run(run())
