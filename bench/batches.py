"""`batches`: articles a second through durable batches, what one costs a caller beside it, and memory over many.

One process on SQLite, the stub as its model. The time of a batch is from its acceptance to its last riddle.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson

from bench.contenders import set_delay, stub_server
from bench.inputs import real_articles
from bench.load import Load
from bench.ours import PIPELINE, Home, make_home, serving
from bench.processes import Meter, memory
from bench.report import Report, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.options import Options
    from bench.servers import Server

AT_ONCE = 64
"""Calls in flight at the model."""
JOBS = 96
"""Articles in hand, so that the model is asked while others are begun, judged and stored."""
MODEL_MS = 200
IDEAL = AT_ONCE / (2 * MODEL_MS / 1e3)


@dataclass(frozen=True)
class Sizes:
    """How many articles each part takes."""

    at_once: int
    rounds: int
    slow_model: int
    beside: int
    first: int
    many: int

    @classmethod
    def of(cls, *, quick: bool) -> Sizes:
        return cls(200, 1, 200, 400, 200, 600) if quick else cls(2_000, 3, 4_000, 600, 2_000, 10_000)


@dataclass
class Batches:
    """A service that is sent batches."""

    session: aiohttp.ClientSession
    base: str
    home: Home
    articles: list[str]
    sent: int = 0

    async def send(self, count: int) -> str:
        """The path of a new batch of articles that are all new."""
        lines = []
        for _ in range(count):
            self.sent += 1
            text = f"{self.articles[self.sent % len(self.articles)]} This is edition {self.sent}."
            lines.append(orjson.dumps({"text": text}))
        headers = {"content-type": "application/x-ndjson", **self.key}
        url = f"{self.base}/v1/batches?pipeline={PIPELINE}"
        async with self.session.post(url, data=b"\n".join(lines), headers=headers) as answer:
            answer.raise_for_status()
            return str(answer.headers["Location"])

    async def done(self, path: str) -> dict[str, Any]:
        """The batch, when nothing of it is open."""
        while True:
            async with self.session.get(f"{self.base}{path}", headers=self.key) as answer:
                batch: dict[str, Any] = await answer.json()
            if batch["finished_at"]:
                return batch
            await asyncio.sleep(0.1)

    async def seconds(self, count: int) -> float:
        """How long a batch takes from its acceptance."""
        path = await self.send(count)
        started = time.perf_counter()
        batch = await self.done(path)
        assert batch["counts"]["published"] + batch["counts"]["needs_review"] == count, batch
        return time.perf_counter() - started

    @property
    def key(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.home.secret}"}


def measure(options: Options) -> Report:
    """Run it; with `articles` only how memory grows over so many."""
    if options.articles:
        from bench import batch_memory

        return batch_memory.measure(options.articles)
    report = Report(name="batches")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
        stub = stack.enter_context(stub_server(Path(folder)))
        sizes = Sizes.of(quick=options.quick)
        wide = {
            "RIDDLEWIRE_JOBS_CONCURRENCY": str(JOBS),
            "RIDDLEWIRE_PROVIDERS": f'{{"openai": {{"max_concurrency": {AT_ONCE}}}}}',
        }
        with batch_service(Path(folder), stub, "wide", **wide) as (server, home):
            meter = Meter(server.pid, stub.pid)
            asyncio.run(_measured(report, server, stub, home, sizes))
            report.other_cores = meter.read().other_cores
        with batch_service(Path(folder), stub, "plain") as (server, home):
            asyncio.run(_compared(report, server, stub, home, sizes))
    return report


@contextmanager
def batch_service(folder: Path, stub: Server, name: str, **env: str) -> Iterator[tuple[Server, Home]]:
    """`riddlewire serve` on a new data folder."""
    home = make_home(folder / name)
    with serving(home, folder=folder, name=f"service-{name}", stub=stub.base, env=env) as server:
        yield server, home


async def _measured(report: Report, server: Server, stub: Server, home: Home, sizes: Sizes) -> None:
    articles = real_articles()
    async with aiohttp.ClientSession() as session:
        batches = Batches(session, server.base, home, articles)
        set_delay(stub, 0)
        await batches.seconds(AT_ONCE)  # libraries and connections
        started = Meter(server.pid, stub.pid)
        seconds = await batches.seconds(sizes.at_once)
        spent = started.read()
        report.rows += [
            Row(what="articles a second, a model that answers at once", value=sizes.at_once / seconds, at_least=70),
            Row(what="CPU of an article in a batch", value=spent.server_s * 1e3 / sizes.at_once, unit="ms"),
        ]
        set_delay(stub, MODEL_MS)
        await _slow_model(report, batches, Meter(server.pid, stub.pid), sizes)
        set_delay(stub, 0)
        await _memory(report, batches, server, sizes)


async def _slow_model(report: Report, batches: Batches, meter: Meter, sizes: Sizes) -> None:
    """The best of some rounds, as the machine's own speed comes and goes; the others are told beside it."""
    rates: list[float] = []
    costs: list[float] = []
    for _ in range(sizes.rounds):
        before = meter.read().server_s
        rates.append(sizes.slow_model / await batches.seconds(sizes.slow_model))
        costs.append((meter.read().server_s - before) * 1e3 / sizes.slow_model)
    what = f"articles a second with a {MODEL_MS} ms model, {AT_ONCE} at once / ideal {IDEAL:.0f}"
    report.rows += [
        Row(what=what, value=max(rates) / IDEAL, at_least=0.9),
        Row(what="CPU of an article in that round", value=costs[rates.index(max(rates))], unit="ms"),
    ]
    each = (f"{rate / IDEAL:.2f} at {cost:.1f} ms of CPU an article" for rate, cost in zip(rates, costs, strict=True))
    report.notes.append(f"rounds with a {MODEL_MS} ms model: {', '.join(each)}")


async def _compared(report: Report, server: Server, stub: Server, home: Home, sizes: Sizes) -> None:
    """The service as it comes: few articles of a batch at once."""
    articles = real_articles()
    async with aiohttp.ClientSession() as session, Load(articles, stub.pid) as load:
        batches = Batches(session, server.base, home, articles)
        set_delay(stub, MODEL_MS)
        await batches.seconds(AT_ONCE)
        await _beside(report, batches, load, server, sizes)


async def _beside(report: Report, batches: Batches, load: Load, server: Server, sizes: Sizes) -> None:
    """What somebody who waits for one riddle pays for a batch that is being worked on."""
    target = batches.home.target(server, "single")
    alone = await load.count(target, concurrency=1, requests=12)
    path = await batches.send(sizes.beside)
    await asyncio.sleep(2)
    beside = await load.count(target, concurrency=1, requests=12)
    still_running = (await _look(batches, path))["finished_at"] is None
    await batches.done(path)
    more = beside.latency_ms(50) - alone.latency_ms(50)
    report.rows += [
        Row(what="p50 of a single request, alone", value=alone.latency_ms(50), unit="ms"),
        Row(what="the same while a batch runs, more by", value=more, unit="ms", at_most=15),
    ]
    if not still_running:
        report.notes.append("the batch was done before the single requests were: the comparison says too little")


async def _look(batches: Batches, path: str) -> dict[str, Any]:
    async with batches.session.get(f"{batches.base}{path}", headers=batches.key) as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def _memory(report: Report, batches: Batches, server: Server, sizes: Sizes) -> None:
    await batches.seconds(sizes.first)
    before = memory(server.pid).now_mb
    await batches.seconds(sizes.many)
    after = memory(server.pid).now_mb
    report.rows += [
        Row(what=f"resident memory after {batches.sent:,} articles", value=after, unit="MB"),
        Row(what=f"grown over the last {sizes.many:,}", value=after - before, unit="MB"),
    ]
