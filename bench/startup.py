"""`startup`: from the command to `/readyz`, on a new data folder and on one that is there, and what imports cost."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from bench.inputs import ROOT
from bench.ours import Home, serving
from bench.processes import Meter
from bench.report import Report, Row

if TYPE_CHECKING:
    from bench.options import Options

TARGET_S = 5.0
_MODEL_READY_S = 60.0
_IMPORTS = {
    "the command line": "import service.cli.main",
    "the application": "import service.app",
    "the chains": "import chains",
}
_SHOWN = 12


def measure(options: Options) -> Report:
    """Run it."""
    report = Report(name="startup")
    meter = Meter()
    first, again, model = [], [], []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for number in range(1 if options.quick else 3):
            home = Path(folder) / f"home-{number}"
            first.append(_ready(home, Path(folder))[0])
            ready_s, model_s = _ready(home, Path(folder))
            again.append(ready_s)
            model.append(model_s)
    report.rows = [
        Row(what="/readyz on a new data folder", value=statistics.median(first), unit="s", at_most=TARGET_S),
        Row(what="/readyz on an existing one", value=statistics.median(again), unit="s", at_most=TARGET_S),
        Row(what="until its embedded model is loaded, too", value=statistics.median(model), unit="s"),
    ]
    report.details = {"new_s": first, "existing_s": again, "model_s": model, "imports": {}}
    for what, statement in _IMPORTS.items():
        report.rows.append(Row(what=f"importing {what}", value=_import_s(statement), unit="s"))
        report.details["imports"][what] = _slowest_imports(statement)
    report.other_cores = meter.read().other_cores
    return report


def _ready(home: Path, folder: Path) -> tuple[float, float]:
    """Seconds until /readyz answers 200, and until it says that the model is ready as well."""
    with serving(Home(home, ""), folder=folder) as server:
        started = time.perf_counter()
        while time.perf_counter() - started < _MODEL_READY_S:
            with urllib.request.urlopen(f"{server.base}/readyz", timeout=_MODEL_READY_S) as answer:
                if orjson.loads(answer.read())["status"] != "warming":
                    break
            time.sleep(0.05)
        return server.ready_s, server.ready_s + time.perf_counter() - started


def _import_s(statement: str) -> float:
    """Fastest of three fresh interpreters, less what an empty one takes."""
    return min(_timed(statement) for _ in range(3)) - min(_timed("pass") for _ in range(3))


def _timed(statement: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], cwd=ROOT, check=True)
    return time.perf_counter() - started


def _slowest_imports(statement: str) -> list[str]:
    """The modules that cost most, what they import included: `milliseconds module`."""
    command = [sys.executable, "-X", "importtime", "-c", statement]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stderr.splitlines()
    costs = []
    for line in lines[1:]:
        _, cumulative, module = line.removeprefix("import time:").split("|")
        costs.append((int(cumulative), module.strip()))
    costs.sort(reverse=True)
    return [f"{microseconds / 1e3:.0f} {module}" for microseconds, module in costs[:_SHOWN]]
