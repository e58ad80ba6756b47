"""`batches --articles N`: does memory grow with the articles that were done? Many of them, the model answers at once.

One process on SQLite is sent batches of `EVERY` articles, one after another; after each its resident memory is read.
The slope is that of the straight line with the least squares through the readings. The first of them is left out,
because until then libraries load, pools fill and the allocator takes what it keeps.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import linear_regression
from typing import TYPE_CHECKING

import aiohttp

from bench.batches import AT_ONCE, Batches, batch_service
from bench.contenders import set_delay, stub_server
from bench.inputs import real_articles
from bench.processes import Meter, memory
from bench.report import Report, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.ours import Home
    from bench.servers import Server

EVERY = 5_000
PER = 10_000
FEWEST = 3 * EVERY
"""Of three readings the first does not count, and a line needs two."""

Reading = tuple[int, float]
"""How many articles were done, and resident memory in MB of a million bytes."""


def measure(articles: int) -> Report:
    """Run it.

    Args:
        articles: How many, at least `FEWEST`; rounded down to whole batches.
    """
    report = Report(name="batches-memory")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
        stub = stack.enter_context(stub_server(Path(folder)))
        service = batch_service(Path(folder), stub, "memory", RIDDLEWIRE_JOBS_CONCURRENCY=str(AT_ONCE))
        server, home = stack.enter_context(service)
        set_delay(stub, 0)
        meter = Meter(server.pid, stub.pid)
        readings = asyncio.run(_readings(server, home, articles // EVERY))
        report.other_cores = meter.read().other_cores
    report.rows = [
        *(Row(what=f"resident memory after {done:,} articles", value=now_mb, unit="MB") for done, now_mb in readings),
        Row(what=f"grown with each {PER:,} articles, the first {EVERY:,} apart", value=slope_mb(readings), unit="MB"),
    ]
    return report


async def _readings(server: Server, home: Home, count: int) -> list[Reading]:
    found: list[Reading] = []
    async with aiohttp.ClientSession() as session:
        batches = Batches(session, server.base, home, real_articles())
        for _ in range(count):
            seconds = await batches.seconds(EVERY)
            found.append((batches.sent, memory(server.pid).now_mb))
            print(f"{batches.sent:,} articles: {found[-1][1]:.0f} MB, {EVERY / seconds:.0f}/s", file=sys.stderr)
    return found


def slope_mb(readings: Sequence[Reading]) -> float:
    """MB that resident memory grows by with `PER` articles, without the first reading."""
    done, now_mb = zip(*readings[1:], strict=True)
    return linear_regression(done, now_mb).slope * PER
