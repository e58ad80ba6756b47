"""Where the service spends its time under load: `python -m bench http --profile`.

With py-spy on the PATH a flame graph (it needs the right to trace processes), else cProfile in the server.
"""

from __future__ import annotations

import asyncio
import pstats
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.inputs import ROOT, real_articles
from bench.load import Load
from bench.ours import make_home, serving
from bench.report import RESULTS, Report, Row

if TYPE_CHECKING:
    from bench.load import Sample, Target
    from bench.options import Options
    from bench.servers import Server

REQUESTS, REQUESTS_QUICK = 1500, 300
WARM = 100
_SECONDS, _RATE = 15, 500
_LINES = 60
_USUAL = 0.75
_OURS = ("service/", "chains/", "prompts/", "retrievers/", "domain/")


def profile(options: Options) -> Report:
    """Put load on the service with a model that answers at once, and say where its time goes."""
    RESULTS.mkdir(exist_ok=True)
    requests = REQUESTS_QUICK if options.quick else REQUESTS
    spy = shutil.which("py-spy")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        sample = _under_py_spy(Path(folder), spy) if spy else _under_cprofile(Path(folder), requests)
    report = Report(name="profile", other_cores=sample.spent.other_cores)
    report.rows.append(Row(what="CPU per article while profiled", value=sample.server_ms, unit="ms"))
    report.details["outcomes"] = dict(sample.outcomes)
    report.notes.append(f"see {(RESULTS / ('profile.svg' if spy else 'profile.txt')).relative_to(ROOT)}")
    return report


def _under_py_spy(folder: Path, spy: str) -> Sample:
    from bench.contenders import stub_server

    home = make_home(folder / "home")
    with stub_server(folder) as stub, serving(home, folder=folder, stub=stub.base) as server:
        target = home.target(server, "ours")

        async def run() -> Sample:
            async with Load(real_articles(), stub.pid) as load:
                await load.count(target, concurrency=8, requests=WARM)
                watching = await asyncio.create_subprocess_exec(*_py_spy(spy, server))
                sample = await load.steady(target, concurrency=8, least_s=_SECONDS, most_s=_SECONDS + 5)
                await watching.wait()
                return sample

        return asyncio.run(run())


def _py_spy(spy: str, server: Server) -> list[str]:
    out = RESULTS / "profile.svg"
    return [spy, "record", "--pid", str(server.pid), "--gil", "-d", str(_SECONDS), "-r", str(_RATE), "-o", str(out)]


def _under_cprofile(folder: Path, requests: int) -> Sample:
    from bench.contenders import stub_server

    home, stats = make_home(folder / "home"), RESULTS / "profile.pstats"
    launcher = [sys.executable, "-m", "bench.profiled", str(stats)]
    with stub_server(folder) as stub, serving(home, folder=folder, stub=stub.base, launcher=launcher) as server:
        sample = asyncio.run(_loaded(home.target(server, "ours"), stub, requests))
    (RESULTS / "profile.txt").write_text(_told(stats, requests + WARM))
    return sample


async def _loaded(target: Target, stub: Server, requests: int) -> Sample:
    async with Load(real_articles(), stub.pid) as load:
        await load.count(target, concurrency=8, requests=WARM)
        return await load.count(target, concurrency=8, requests=requests)


def _told(path: Path, requests: int) -> str:
    """Milliseconds of a request for each function that most requests call; start-up is left out by that."""
    stats = pstats.Stats(str(path)).stats  # type: ignore[attr-defined]  # typeshed does not know it
    rows: list[tuple[float, float, float, str]] = []
    for (file, line, name), (_, calls, own, cumulative, _) in stats.items():
        if calls >= _USUAL * requests:
            where = file.replace(f"{ROOT}/", "").replace(f"{sys.prefix}/", "")
            rows.append((cumulative / requests * 1e3, own / requests * 1e3, calls / requests, f"{where}:{line} {name}"))
    ours = [row for row in rows if row[3].startswith(_OURS)]
    text = (
        f"{requests} requests. Milliseconds of one: cumulative, own; calls; function. Threads that wait count, too.\n"
    )
    for title, ranked in (
        ("Own time", sorted(rows, key=lambda row: -row[1])),
        ("Our functions", sorted(ours, key=lambda row: -row[0])),
    ):
        text += f"\n{title}\n"
        for row in ranked[:_LINES]:
            text += f"{row[0]:8.2f} {row[1]:8.2f} {row[2]:7.1f}  {row[3]}\n"
    return text
