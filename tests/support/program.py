"""The service as a program in a process of its own, which a test may kill."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

import httpx

from tests.service.http.conftest import ARTICLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.openai_stub import OpenAIStub

PROGRAM = (
    "import sys; from service.server import serve; from service.settings import Settings; sys.exit(serve(Settings()))"
)


class Process:
    """A service in a process of its own.

    Args:
        home: Its data folder.
        stub: The provider it asks.
        command: Runs instead of the service, such as a worker.
        environment: More settings.
        log: Where its log goes; by default beside the data folder.
    """

    def __init__(
        self,
        home: Path,
        stub: OpenAIStub,
        *,
        command: tuple[str, ...] = ("-c", PROGRAM),
        environment: Mapping[str, str] = MappingProxyType({}),
        log: Path | None = None,
    ) -> None:
        self.home = home
        self._log = log or home.parent / f"{home.name}.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        given = {
            "RIDDLEWIRE_HOME": str(home),
            "RIDDLEWIRE_PORT": str(self.port),
            "RIDDLEWIRE_PIPELINE": "openai",
            "OPENAI_BASE_URL": stub.url,
            "OPENAI_API_KEY": "sk-of-the-provider",
            "RIDDLEWIRE_CACHE_ENABLED": "false",  # tests count what the provider is asked
            **environment,
        }
        output = self._log.open("ab")
        self.process = subprocess.Popen([sys.executable, *command], env={**os.environ, **given}, stderr=output)
        output.close()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{self.url}/livez", timeout=1, trust_env=False)
            except httpx.TransportError:
                assert self.process.poll() is None, self.log()
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.05)
            else:
                return

    def post(self, **headers: str) -> httpx.Response:
        with httpx.Client(trust_env=False, timeout=30, verify=False) as client:
            return client.post(f"{self.url}/v1/riddles", json={"article": ARTICLE}, headers=headers)

    def log(self) -> str:
        return self._log.read_text()

    def stored(self) -> int:
        with sqlite3.connect(self.home / "riddlewire.db") as database:
            count: int = database.execute("SELECT count(*) FROM riddles").fetchone()[0]
        database.close()
        return count


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(home: Path, stub: OpenAIStub, **environment: str) -> Iterator[Process]:
    service = Process(home, stub, environment=environment)
    try:
        service.wait_until_ready()
        yield service
    finally:
        if service.process.poll() is None:
            service.process.kill()
        service.process.wait(10)
