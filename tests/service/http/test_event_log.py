from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from service.sse import EventLog, encode


async def _all(log: EventLog, keepalive_s: float = 5.0) -> bytes:
    return b"".join([chunk async for chunk in log.follow(keepalive_s=keepalive_s)])


async def test_followers_get_every_event_with_ids_that_count_from_one() -> None:
    log = EventLog()
    log.append("summary.delta", {"text": "a"})
    log.append("result", b'{"id":"rid_1"}')
    log.close()
    assert await _all(log) == (
        b'event: summary.delta\ndata: {"text":"a"}\nid: 1\n\nevent: result\ndata: {"id":"rid_1"}\nid: 2\n\n'
    )


async def test_a_follower_that_comes_late_misses_nothing() -> None:
    log = EventLog()
    log.append("summary", {"summary": "early"})
    late = asyncio.create_task(_all(log))
    await asyncio.sleep(0)
    log.append("result", {})
    log.close()
    assert (await late).count(b"event: ") == 2


async def test_silence_is_filled_with_comments() -> None:
    log = EventLog()
    follower = asyncio.create_task(_all(log, keepalive_s=0.01))
    await asyncio.sleep(0.05)
    log.close()
    assert b": ping\n\n" in await follower


async def test_a_producer_never_waits_for_a_follower_that_stopped_reading() -> None:
    log = EventLog()
    follower = log.follow(keepalive_s=5)
    log.append("summary.delta", {"text": "a"})
    await anext(follower)
    for _ in range(1000):
        log.append("summary.delta", {"text": "b"})
    log.close()
    assert (await anext(follower)).count(b"event: ") == 1000


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_can_break_out_of_its_event(text: str) -> None:
    wire = encode("summary.delta", {"text": text}, "1").decode()
    assert wire.count("\n") == 4
    assert "\r" not in wire
