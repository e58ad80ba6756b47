"""`http`: the service beside the same job by hand, on LangServe, and the floor. Interleaved rounds, ratios of medians.

One uvicorn process each, all of them running all the time; every round measures each once, in changing order, so that
what others do on the machine meets all alike. CPU is read from /proc at a model that answers at once; latency and
throughput with one that takes 200 ms.
"""

from __future__ import annotations

import asyncio
import math
import statistics
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.contenders import BY_HAND, FLOOR, LANGSERVE, OURS, contenders, set_delay, stub_server
from bench.inputs import real_articles
from bench.load import Load, Sample, Target
from bench.profiling import profile
from bench.report import Report, Row

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bench.options import Options
    from bench.servers import Server

MODEL_MS = 200
BUSY_CORES = 0.25
IDEAL_64 = 64 / (2 * MODEL_MS / 1e3)
WANTED_64 = 0.8 * IDEAL_64
KNOWN_64 = {BY_HAND: 108.0, LANGSERVE: 66.0}
"""Riddles a second at 64 callers where the target was set: what makes it a ratio that holds on slower machines, too."""


@dataclass(frozen=True)
class Phase:
    """One kind of load, measured `rounds` times on each server.

    Args:
        name: In the results.
        delay_ms: What a model call takes.
        rounds: How often.
        run: Puts the load on one target.
    """

    name: str
    delay_ms: int
    rounds: int
    run: Callable[[Load, Target], Awaitable[Sample]]


@dataclass
class Measured:
    """All samples, by phase and server."""

    samples: dict[str, dict[str, list[Sample]]] = field(default_factory=dict)

    def add(self, phase: str, target: str, sample: Sample) -> None:
        self.samples.setdefault(phase, {}).setdefault(target, []).append(sample)

    def ratio(self, phase: str, one: str, other: str, value: Callable[[Sample], float]) -> float:
        """Median over the rounds of one server's value against another's in the same round."""
        pairs = zip(self.of(phase, one), self.of(phase, other), strict=False)
        ratios = [value(first) / value(second) for first, second in pairs]
        return statistics.median(ratios) if ratios else float("nan")

    def of(self, phase: str, target: str) -> list[Sample]:
        """One server's samples, in the order of the rounds."""
        return self.samples.get(phase, {}).get(target, [])

    def median(self, phase: str, target: str, value: Callable[[Sample], float]) -> float:
        """Median over the rounds; NaN where this server was not measured."""
        values = [value(sample) for sample in self.of(phase, target)]
        return statistics.median(values) if values else float("nan")

    def quietest(self, phase: str, target: str, value: Callable[[Sample], float]) -> float:
        """The round in which the rest of the machine did least, for what a clock on the wall measures."""
        samples = self.of(phase, target)
        return value(min(samples, key=lambda sample: sample.spent.other_cores)) if samples else float("nan")

    def outcomes(self, target: str) -> Counter[str]:
        """What this server answered, over all phases."""
        total: Counter[str] = Counter()
        for by_target in self.samples.values():
            for sample in by_target.get(target, []):
                total += sample.outcomes
        return total


def phases(*, quick: bool) -> list[Phase]:
    """What is measured, shortest first; `quick` is for trying the harness out."""
    few = 1 if quick else 2
    span = {"least_s": 4, "most_s": 12 if quick else 30}
    return [
        Phase("cpu", 0, 4 if quick else 12, lambda load, target: load.count(target, concurrency=8, requests=100)),
        Phase("c1", MODEL_MS, few, lambda load, target: load.count(target, concurrency=1, requests=12)),
        Phase("c64", MODEL_MS, few, lambda load, target: load.steady(target, concurrency=64, **span)),
        Phase("c256", MODEL_MS, few, lambda load, target: load.steady(target, concurrency=256, **span)),
    ]


def measure(options: Options) -> Report:
    """Run it."""
    if options.profile:
        return profile(options)
    report = Report(name="http")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
        stub = stack.enter_context(stub_server(Path(folder)))
        targets = contenders(Path(folder), stub, options, report, stack)
        measured = asyncio.run(_rounds(targets, stub, phases(quick=options.quick)))
    _fill(report, measured, [target.name for target in targets])
    return report


async def _rounds(targets: list[Target], stub: Server, todo: list[Phase]) -> Measured:
    measured = Measured()
    async with Load(real_articles(), stub.pid) as load:
        set_delay(stub, 0)
        for target in targets:
            await load.count(target, concurrency=8, requests=100)
        for phase in todo:
            set_delay(stub, phase.delay_ms)
            for number in range(phase.rounds):
                for target in _turned(targets, number):
                    if phase.name == "c256" and target.name == FLOOR:
                        continue
                    measured.add(phase.name, target.name, await phase.run(load, target))
    return measured


def _turned(targets: list[Target], by: int) -> list[Target]:
    by %= len(targets)
    return [*targets[by:], *targets[:by]]


def _fill(report: Report, measured: Measured, names: list[str]) -> None:
    for name in names:
        outcomes = measured.outcomes(name)
        report.details[name] = {
            "cpu_ms": _list(measured, "cpu", name, lambda sample: sample.server_ms),
            "p50_ms": _list(measured, "c1", name, lambda sample: sample.latency_ms(50)),
            "c64_per_s": _list(measured, "c64", name, lambda sample: sample.per_second),
            "c64_cpu_ms": _list(measured, "c64", name, lambda sample: sample.server_ms),
            "c256_per_s": _list(measured, "c256", name, lambda sample: sample.per_second),
            "c256_cpu_ms": _list(measured, "c256", name, lambda sample: sample.server_ms),
            "other_cores": {phase: _list(measured, phase, name, _noise) for phase in measured.samples},
            "outcomes": dict(outcomes.most_common(5)),
        }
        bad = outcomes.total() - outcomes["ok"]
        if bad:
            kinds = ", ".join(f"{count} x {kind}" for kind, count in outcomes.most_common(4) if kind != "ok")
            report.notes.append(f"{name}: {bad} of {outcomes.total()} answers were not good ({kinds})")
    report.rows = [*_judged(measured), *_shown(measured, names)]
    noise = [_noise(s) for by_target in measured.samples.values() for each in by_target.values() for s in each]
    report.other_cores = statistics.median(noise)
    if report.other_cores > BUSY_CORES:
        report.notes.append("the machine was busy with other work: only the CPU rows and their ratios can be trusted")


def _p50(sample: Sample) -> float:
    return sample.latency_ms(50)


def _noise(sample: Sample) -> float:
    return sample.spent.other_cores


def _judged(measured: Measured) -> list[Row]:
    by_hand = measured.ratio("cpu", OURS, BY_HAND, lambda s: s.server_ms)
    langserve = measured.ratio("cpu", OURS, LANGSERVE, lambda s: s.server_ms)
    c64 = measured.quietest("c64", OURS, lambda s: s.per_second)
    c256 = measured.quietest("c256", OURS, lambda s: s.per_second)
    return [
        Row(what="CPU per article, ours / by hand", value=by_hand, at_most=1.0),
        Row(what="CPU per article, ours / LangServe", value=langserve, at_most=0.55),
        Row(
            what=f"ours, p50 at concurrency 1, {MODEL_MS} ms model",
            value=measured.quietest("c1", OURS, _p50),
            unit="ms",
            at_most=2 * MODEL_MS * 1.04,
        ),
        Row(
            what="p50 at concurrency 1, ours / floor",
            value=measured.quietest("c1", OURS, _p50) / measured.quietest("c1", FLOOR, _p50),
            at_most=1.04,
        ),
        Row(what=f"ours, throughput at 64 / ideal {IDEAL_64:.0f} a second", value=c64 / IDEAL_64, at_least=0.8),
        *(
            Row(
                what=f"throughput at 64, ours / {name}",
                value=measured.ratio("c64", OURS, name, lambda s: s.per_second),
                at_least=WANTED_64 / known,
            )
            for name, known in KNOWN_64.items()
        ),
        Row(what="ours, throughput at 256 / at 64", value=c256 / c64, at_least=1.0),
    ]


def _shown(measured: Measured, names: list[str]) -> list[Row]:
    rows = []
    for name in names:
        rows += [
            Row(what=f"{name}, CPU per article", value=measured.median("cpu", name, lambda s: s.server_ms), unit="ms"),
            Row(what=f"{name}, p50 at 1", value=measured.quietest("c1", name, _p50), unit="ms"),
            Row(what=f"{name}, at 64", value=measured.quietest("c64", name, lambda s: s.per_second), unit="/s"),
            Row(what=f"{name}, at 256", value=measured.quietest("c256", name, lambda s: s.per_second), unit="/s"),
        ]
    return [row for row in rows if not math.isnan(row.value)]


def _list(measured: Measured, phase: str, name: str, value: Callable[[Sample], float]) -> list[float]:
    return [round(value(sample), 3) for sample in measured.of(phase, name)]
