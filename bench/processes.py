"""What a process costs, read from /proc: CPU seconds, memory, and how busy the rest of the machine is."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _SYSTEM = 1, 11, 12  # fields of /proc/PID/stat, counted after the name
_IDLE, _IOWAIT = 3, 4


@dataclass(frozen=True)
class Memory:
    """Resident memory of a process and its children, in MB of a million bytes."""

    now_mb: float
    peak_mb: float


@dataclass(frozen=True)
class Spent:
    """What a stretch of time cost.

    Args:
        wall_s: Its length.
        server_s: CPU seconds of the measured process and its children.
        stub_s: CPU seconds of the stub.
        client_s: CPU seconds of this process.
        other_cores: Cores that everything else on the machine kept busy on average: the noise.
    """

    wall_s: float
    server_s: float
    stub_s: float
    client_s: float
    other_cores: float


class Meter:
    """Started when built; `read` tells what was spent since."""

    def __init__(self, server: int | None = None, stub: int | None = None) -> None:
        self._server = tree(server) if server else []
        self._stub = tree(stub) if stub else []
        self._start = self._now()

    def read(self) -> Spent:
        """What was spent since the start."""
        wall, server, stub, client, busy = (b - a for a, b in zip(self._start, self._now(), strict=True))
        return Spent(
            wall_s=wall,
            server_s=server,
            stub_s=stub,
            client_s=client,
            other_cores=max(0.0, busy - server - stub - client) / wall,
        )

    def _now(self) -> tuple[float, float, float, float, float]:
        return (time.perf_counter(), cpu_s(self._server), cpu_s(self._stub), time.process_time(), busy_s())


def tree(root: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit() and (fields := _stat(int(path.name))):
            children.setdefault(int(fields[_PARENT]), []).append(int(path.name))
    found, todo = [], [root]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def cpu_s(pids: list[int]) -> float:
    """User and system CPU seconds of processes that still run; the kernel counts in steps of 10 ms."""
    return sum(int(fields[_USER]) + int(fields[_SYSTEM]) for pid in pids if (fields := _stat(pid))) / _TICKS


def busy_s() -> float:
    """CPU seconds all cores were not idle since the machine started."""
    values = [int(value) for value in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(values) - values[_IDLE] - values[_IOWAIT]) / _TICKS


def memory(root: int) -> Memory:
    """Memory of a process and all that descend from it."""
    sums = {"VmRSS": 0, "VmHWM": 0}
    for pid in tree(root):
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:  # it has ended since
            continue
        for line in lines:
            name, _, value = line.partition(":")
            if name in sums:
                sums[name] += int(value.split()[0])
    return Memory(now_mb=sums["VmRSS"] * 1024 / 1e6, peak_mb=sums["VmHWM"] * 1024 / 1e6)


def _stat(pid: int) -> list[str] | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:  # it has ended since
        return None
