"""Starts a server as a process of its own, waits until it is ready, ends it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

READY_S = 90.0
_STOP_S = 40.0
_POLL_S = 0.02


class ServerError(Exception):
    """A server ended or did not get ready; the message shows the end of its log."""

    def __init__(self, name: str, reason: str, log: Path) -> None:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        super().__init__(f"{name} {reason}\n{tail}")


@dataclass(frozen=True)
class Server:
    """A server that is ready.

    Args:
        name: Whose.
        pid: Its process.
        base: `http://127.0.0.1:PORT`.
        ready_s: Seconds from the command until it said it is ready.
    """

    name: str
    pid: int
    base: str
    ready_s: float


@contextmanager
def running(
    name: str,
    command: Sequence[str | Path],
    *,
    port: int,
    ready: str,
    folder: Path,
    env: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """A server while the context lasts.

    Args:
        name: Whose; names its log in `folder`.
        command: Run in `folder`.
        port: Where it was told to listen.
        ready: Path that answers 200 as soon as it is ready.
        folder: For its log.
        env: Added to this process's environment.

    Raises:
        ServerError: It ended, or was not ready in 90 s.
    """
    log = folder / f"{name}.log"
    base = f"http://127.0.0.1:{port}"
    started = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=folder, env={**os.environ, **(env or {})}, stdout=out, stderr=out
        )
    try:
        _wait(process, name, base + ready, log)
        yield Server(name, process.pid, base, time.perf_counter() - started)
    finally:
        _stop(process)


def uvicorn(python: str | Path, app: str, port: int, folder: Path) -> list[str | Path]:
    """The command every peer is started with: one process, uvloop, httptools, no access log."""
    return [
        *(python, "-m", "uvicorn", app, "--app-dir", folder, "--port", str(port)),
        *("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"),
    ]


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def riddlewire() -> list[str]:
    """The installed command."""
    return [os.path.join(os.path.dirname(sys.executable), "riddlewire")]  # noqa: PTH118, PTH120 -- not resolved


def _wait(process: subprocess.Popen[bytes], name: str, url: str, log: Path) -> None:
    deadline = time.perf_counter() + READY_S
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            raise ServerError(name, f"ended with {process.returncode}", log)
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(_POLL_S)
    raise ServerError(name, f"was not ready within {READY_S:.0f} s", log)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
