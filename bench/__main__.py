"""The command line: `python -m bench` measures everything, `python -m bench http startup` only these."""

from __future__ import annotations

import argparse
import importlib
import signal
import subprocess
import sys
import time
from pathlib import Path

from bench.options import Options
from bench.report import RESULTS, Report, saved, table

BENCHMARKS = {
    "startup": ("bench.startup", "from the command to /readyz, and what the imports cost"),
    "memory": ("bench.memory", "resident memory with a service and with the embedded model"),
    "retrieval": ("bench.retrieval", "selection among 480 and 100,000 examples"),
    "evaluators": ("bench.evaluators", "outcomes a second through the evaluators that ask no model"),
    "http": ("bench.serving", "the service beside the same job by hand, on LangServe, and the floor"),
    "batches": ("bench.batches", "articles a second through durable batches; what one costs a caller beside it"),
    "kills": ("bench.kills", "kill -9 in the middle of a batch: what is lost, and what is paid twice"),
    "fleet": ("bench.fleet", "workers on PostgreSQL: one dies, one is paused; one worker beside two"),
    "engine": ("bench.engine", "tokens a second with and without us; four articles at once"),
    "articles": ("bench.articles", "20 real articles through the embedded default"),
}
FEWEST_ARTICLES = 15_000
"""`bench.batch_memory.FEWEST`, without importing it for everybody."""
_LIMIT_S = 600
_PATIENCE_S = 120


def main() -> int:
    """Measure; 1 when a target is missed or a benchmark broke."""
    arguments = _arguments()
    names = arguments.names or list(BENCHMARKS)
    if arguments.profile:
        names = [_measure("http", _options(arguments))]
    elif len(names) == 1:
        names = [_measure(names[0], _options(arguments))]
    else:
        _in_turn(names)
    reports = saved(names)
    text = table(reports)
    if len(names) > 1:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "report.md").write_text(text)
    print(text)
    missed = any(row["verdict"] == "FAIL" for report in reports for row in report["rows"])
    return int(missed or len(reports) < len(names))


def _measure(name: str, options: Options) -> str:
    """Measure, save, and give the name of the report."""
    started = time.perf_counter()
    report: Report = importlib.import_module(BENCHMARKS[name][0]).measure(options)
    report.details["took_s"] = round(time.perf_counter() - started, 1)
    path = report.save()
    print(f"{name}: {report.details['took_s']:.0f} s, all numbers in bench/results/{path.name}", file=sys.stderr)
    return report.name


def _in_turn(names: list[str]) -> None:
    """Each in a process of its own, so that none inherits another's memory and imports."""
    passed_on = [argument for argument in sys.argv[1:] if argument not in BENCHMARKS]
    for name in names:
        (RESULTS / f"{name}.json").unlink(missing_ok=True)
        print(f"{name}: {BENCHMARKS[name][1]} ...", file=sys.stderr)
        _bounded([sys.executable, "-m", "bench", name, *passed_on])


def _bounded(command: list[str]) -> None:
    """Run it; when it takes too long, interrupt it, so that it ends the servers it started."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        process.wait(_LIMIT_S)
    except subprocess.TimeoutExpired:
        print(f"stopped after {_LIMIT_S} s", file=sys.stderr)
        process.send_signal(signal.SIGINT)
        process.wait(_PATIENCE_S)


def _options(arguments: argparse.Namespace) -> Options:
    return Options(
        quick=arguments.quick,
        extra=arguments.extra,
        only_peers=arguments.only_peers,
        peers_python=arguments.peers_python,
        profile=arguments.profile,
        articles=arguments.articles,
    )


def _arguments() -> argparse.Namespace:
    listed = "\n".join(f"  {name:10} {what}" for name, (_, what) in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=f"Measure Riddlewire on this machine.\n\n{listed}",
        epilog="Results: bench/results. Method and last numbers: docs/benchmarks.md.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    option = parser.add_argument
    option(
        "names", nargs="*", choices=[*BENCHMARKS, []], metavar="NAME", help="what to measure; all when none is named"
    )
    option("--quick", action="store_true", help="few rounds and little data: to try the harness, not for numbers")
    option("--extra", action="store_true", help="measure variants of the peers, too")
    option("--only-peers", action="store_true", help="http: leave ours out")
    option("--peers-python", type=Path, metavar="PATH", help="http: an interpreter that has LangServe")
    option("--profile", action="store_true", help="http: profile our service under load instead of measuring")
    option("--articles", type=int, metavar="N", help="batches: only how memory grows over N articles, such as 50000")
    arguments = parser.parse_args()
    if arguments.articles is not None and (arguments.names != ["batches"] or arguments.articles < FEWEST_ARTICLES):
        parser.error(f"--articles is for batches alone, and from {FEWEST_ARTICLES} on")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
