"""What a benchmark found: rows of value against target, kept as JSON and shown as a table."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

RESULTS = Path(__file__).parent / "results"
Verdict = Literal["pass", "FAIL", ""]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One number.

    Args:
        what: What it is.
        value: As measured.
        unit: Of the value.
        at_most: The target, where it is an upper limit.
        at_least: The target, where it is a lower limit.
    """

    what: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def target(self) -> str:
        """For people."""
        if self.at_most is not None:
            return f"<= {self.at_most:.4g}"
        return f">= {self.at_least:.4g}" if self.at_least is not None else ""

    @property
    def verdict(self) -> Verdict:
        """Whether the target is met; nothing where there is none. A value that is no number has not met it."""
        if self.at_most is not None:
            return "pass" if self.value <= self.at_most else "FAIL"
        if self.at_least is not None:
            return "pass" if self.value >= self.at_least else "FAIL"
        return ""


@dataclass(kw_only=True)
class Report:
    """The outcome of one benchmark.

    Args:
        name: Of the benchmark.
        rows: Its numbers.
        other_cores: Cores that other programs kept busy meanwhile: the noise; NaN where not measured.
        notes: Sentences for people.
        details: Everything else, for the JSON file.
    """

    name: str
    rows: list[Row] = field(default_factory=list)
    other_cores: float = float("nan")
    notes: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def save(self) -> Path:
        """Write `results/NAME.json`."""
        RESULTS.mkdir(parents=True, exist_ok=True)
        path = RESULTS / f"{self.name}.json"
        rows = [{**asdict(row), "target": row.target, "verdict": row.verdict} for row in self.rows]
        values = {**asdict(self), "rows": rows, "at": datetime.now(UTC).isoformat(timespec="seconds"), **machine()}
        path.write_text(json.dumps(values, indent=1, ensure_ascii=False, default=str) + "\n")
        return path


def machine() -> dict[str, Any]:
    """What the numbers were measured on, in general terms."""
    return {"cores": len(os.sched_getaffinity(0)), "machine": platform.machine(), "python": platform.python_version()}


def table(reports: Iterable[dict[str, Any]]) -> str:
    """The saved reports as one Markdown table with their notes."""
    lines = ["| benchmark | measured | value | target | |", "|---|---|---:|---:|---|"]
    notes = []
    for report in reports:
        for row in report["rows"]:
            value = f"{row['value']:.4g} {row['unit']}".strip()
            lines.append(f"| {report['name']} | {row['what']} | {value} | {row['target']} | {row['verdict']} |")
        lines.append(f"| {report['name']} | cores busy with other work | {report['other_cores']:.2f} | | |")
        notes += [f"- {report['name']}: {note}" for note in report["notes"]]
    return "\n".join([*lines, "", *notes]).rstrip() + "\n"


def saved(names: Iterable[str]) -> list[dict[str, Any]]:
    """The reports of these benchmarks that have been saved."""
    paths = (RESULTS / f"{name}.json" for name in names)
    return [json.loads(path.read_text()) for path in paths if path.is_file()]
