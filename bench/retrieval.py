"""`retrieval`: choosing examples for real articles among 480 and 100,000, embedding included, with and without filters.

Every article is asked about once, so nothing is known from before but what earlier articles brought into the caches.
The 100,000 are the shipped examples and noisy copies of them; their store and index are kept in `bench/data`.
"""

from __future__ import annotations

import hashlib
import statistics
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any

from bench.inputs import ROOT, noisy_copies, real_articles
from bench.load import percentile
from bench.processes import Meter
from bench.report import Report, Row

if TYPE_CHECKING:
    from bench.options import Options
    from retrievers import Examples

DATA = Path(__file__).parent / "data"
SMALL, LARGE, LARGE_QUICK = 480, 100_000, 5_000
TARGET_MS = {SMALL: 3.0, LARGE: 10.0}
_WARM, _MEASURED = 20, 250


@dataclass(frozen=True)
class Speed:
    """Of one way to select.

    Args:
        p50_ms: Median by the clock.
        p95_ms: 95th percentile by the clock.
        cpu_ms: Median CPU of the whole process.
        shown: Mean number of examples chosen.
    """

    p50_ms: float
    p95_ms: float
    cpu_ms: float
    shown: float


def measure(options: Options) -> Report:
    """Run it."""
    report = Report(name="retrieval")
    meter = Meter()
    for count in (SMALL, LARGE_QUICK if options.quick else LARGE):
        with closing(_opened(count, report)) as examples:
            _measure(examples, count, report)
    report.other_cores = meter.read().other_cores
    return report


def _measure(examples: Examples, count: int, report: Report) -> None:
    ways: dict[str, dict[str, Any]] = {
        "": {},
        ", one topic": {"topic": examples.search("flood", 1)[0].example.topic},
        ", one tenant": {"tenant": "tenant-3"},
    }
    for way, filters in ways.items():
        speed = _speed(examples, filters)
        limit = TARGET_MS.get(count) if not way else None
        report.rows += [
            Row(what=f"selection among {count:,}{way}, p50", value=speed.p50_ms, unit="ms", at_most=limit),
            Row(what=f"selection among {count:,}{way}, p95", value=speed.p95_ms, unit="ms"),
            Row(what=f"selection among {count:,}{way}, CPU p50", value=speed.cpu_ms, unit="ms"),
        ]
        report.details[f"{count}{way}"] = speed.__dict__


def _speed(examples: Examples, filters: dict[str, Any]) -> Speed:
    from domain import Article
    from prompts import Catalog

    spec = Catalog().pipeline("openai").retrieval
    assert spec is not None
    wall, cpu, shown = [], [], []
    for number, text in enumerate(real_articles()[: _WARM + _MEASURED]):
        article = Article(text=text)
        wall_0, cpu_0 = time.perf_counter(), time.process_time()
        selection = examples.select(article, spec, **filters)
        if number >= _WARM:
            cpu.append((time.process_time() - cpu_0) * 1e3)
            wall.append((time.perf_counter() - wall_0) * 1e3)
            shown.append(len(selection.examples))
    wall.sort()
    return Speed(percentile(wall, 50), percentile(wall, 95), statistics.median(cpu), statistics.mean(shown))


def _opened(count: int, report: Report) -> Examples:
    from retrievers import open_examples
    from service.storage.engine import open_engine

    folder = DATA / f"examples-{count}"
    stamp, wanted = folder / "built-from", _fingerprint()
    if not stamp.is_file() or stamp.read_text() != wanted:
        _build(folder, count, report)
        stamp.write_text(wanted)
    engine = open_engine(f"sqlite:///{folder / 'examples.db'}")
    return open_examples(engine=engine, chroma=folder / "index")


def _build(folder: Path, count: int, report: Report) -> None:
    from retrievers import open_examples
    from retrievers.shipped import read_shipped
    from service.storage.engine import open_engine

    print(f"Building {count:,} examples in {folder.relative_to(ROOT)} ...", file=sys.stderr)
    rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    engine = open_engine(f"sqlite:///{folder / 'examples.db'}")
    started = time.perf_counter()
    with closing(open_examples(engine=engine, chroma=folder / "index")) as examples:
        shipped = read_shipped()
        if count > len(shipped):
            examples.import_(noisy_copies(shipped, count - len(shipped)))
    report.details[f"{count} built_s"] = round(time.perf_counter() - started, 1)
    engine.dispose()


def _fingerprint() -> str:
    sources = sorted((ROOT / "retrievers").glob("*.py"))
    return hashlib.sha256(
        b"".join(path.read_bytes() for path in [*sources, Path(__file__).parent / "inputs.py"])
    ).hexdigest()
