"""A Chroma server in a process of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.program import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def chroma_server(folder: Path, port: int | None = None) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server on a folder, at a port of its own or a given one, and its URL."""
    program = shutil.which("chroma", path=Path(sys.executable).parent) or shutil.which("chroma")
    assert program, "chromadb brings the program 'chroma'"
    port = port or free_port()
    command = [program, "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(port)
            yield server, f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _wait_for(port: int) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("Chroma did not start")
