"""`memory`: resident memory of the service after real requests, with a model behind HTTP and with the embedded one."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.contenders import set_delay, stub_server
from bench.inputs import real_articles
from bench.load import Load
from bench.ours import make_home, serving
from bench.processes import Memory, Meter, memory
from bench.report import Report, Row

if TYPE_CHECKING:
    from collections import Counter

    from bench.options import Options

WITH_SERVICE_MB, EMBEDDED_MB = 500, 1300
EMBEDDED_TIMEOUT_S = 290.0


def measure(options: Options) -> Report:
    """Run it."""
    report = Report(name="memory")
    meter = Meter()
    requests = 100 if options.quick else 600
    articles = 4
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        served = asyncio.run(_with_service(Path(folder), requests))
        embedded = asyncio.run(_embedded(Path(folder), articles))
    for what, limit, (taken, outcomes) in (
        (f"a model behind HTTP, {requests} articles, 64 at once", WITH_SERVICE_MB, served),
        (f"the embedded model, {articles} articles, 4 at once", EMBEDDED_MB, embedded),
    ):
        report.rows += [
            Row(what=f"{what}: peak", value=taken.peak_mb, unit="MB", at_most=limit),
            Row(what=f"{what}: at the end", value=taken.now_mb, unit="MB"),
        ]
        report.details[what] = dict(outcomes)
        answered = outcomes["ok"] + sum(n for kind, n in outcomes.items() if kind.startswith("needs_review"))
        share = 100 * answered / outcomes.total()
        report.rows.append(Row(what=f"{what}: were answered", value=share, unit="%", at_least=100))
    report.other_cores = meter.read().other_cores
    return report


async def _with_service(folder: Path, requests: int) -> tuple[Memory, Counter[str]]:
    home = make_home(folder / "with-service")
    with stub_server(folder) as stub, serving(home, folder=folder, stub=stub.base) as server:
        set_delay(stub, 50)
        async with Load(real_articles(), stub.pid) as load:
            sample = await load.count(home.target(server, "ours"), concurrency=64, requests=requests)
        return memory(server.pid), sample.outcomes


async def _embedded(folder: Path, articles: int) -> tuple[Memory, Counter[str]]:
    home = make_home(folder / "embedded")
    with serving(home, folder=folder) as server:
        async with Load(real_articles(), timeout_s=EMBEDDED_TIMEOUT_S) as load:
            target = home.target(server, "ours", pipeline="embedded")
            sample = await load.count(target, concurrency=4, requests=articles)
        return memory(server.pid), sample.outcomes
