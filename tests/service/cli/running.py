"""Runs the command as a person or a script would: with pipes or a terminal, in a process of its own or in this one."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from service.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_COMMAND = [sys.executable, "-m", "service.cli.main"]
_PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended and what it printed."""

    code: int
    out: str
    err: str = ""

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        assert self.out, self.err
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Cli:
    """The command `riddlewire` over one data folder.

    Args:
        home: The data folder.
        env: More environment, such as `OPENAI_BASE_URL`.
    """

    home: Path
    env: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, stdin: str = "", **env: str) -> Ended:
        """Run in this process, as if with pipes: a second saved where a process of its own would tell nothing more."""
        out, err = _stream(), _stream()
        with _environment(self.environment(**env)), _standard_streams(_stream(stdin), out, err):
            code = run(list(arguments))
        return Ended(code, _written(out), _written(err))

    def process(self, *arguments: str, stdin: str = "", **env: str) -> Ended:
        """Run in a process of its own with pipes, as scripts do."""
        done = subprocess.run(
            [*_COMMAND, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=self.environment(**env),
            timeout=_PATIENCE_S,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        """Start a process and do not wait for it."""
        return subprocess.Popen(
            [*_COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(**env),
        )

    def on_terminal(self, *arguments: str, **env: str) -> Ended:
        """Run a process with a terminal of 100 columns, as people do; what was drawn is in `out`."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [*_COMMAND, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=self.environment(TERM="xterm-256color", COLUMNS="100", LINES="40", **env),
        ) as process:
            os.close(theirs)
            drawn = _read_all(ours)
            os.close(ours)
            code = process.wait(_PATIENCE_S)
        return Ended(code, drawn)

    def environment(self, **more: str) -> dict[str, str]:
        """Of this process, without what a developer may have set for the program under test."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_OURS)}
        return {**kept, "RIDDLEWIRE_HOME": str(self.home), **self.env, **more}


_NOT_OURS = ("RIDDLEWIRE_", "OPENAI_", "NO_COLOR", "FORCE_COLOR", "TTY_", "COLUMNS")


@contextlib.contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _standard_streams(stdin: io.TextIOWrapper, out: io.TextIOWrapper, err: io.TextIOWrapper) -> Iterator[None]:
    before = sys.stdin
    sys.stdin = stdin
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            yield
    finally:
        sys.stdin = before


def _stream(text: str = "") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()


def _read_all(descriptor: int) -> str:
    drawn = b""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:  # Linux's way of saying that the other side is closed
            break
        if not piece:
            break
        drawn += piece
    return drawn.decode()
