from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.service.http.conftest import ARTICLE
from tests.service.http.test_streaming import STREAM, events_of
from tests.support.openai_stub import Behaviour

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.openai_stub import OpenAIStub

PROGRAM = (
    "import sys; from service.server import serve; from service.settings import Settings; sys.exit(serve(Settings()))"
)


class Process:
    """A service in a process of its own."""

    def __init__(self, home: Path, stub: OpenAIStub, **environment: str) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        given = {
            "RIDDLEWIRE_HOME": str(home),
            "RIDDLEWIRE_PORT": str(self.port),
            "RIDDLEWIRE_PIPELINE": "openai",
            "OPENAI_BASE_URL": stub.url,
            "OPENAI_API_KEY": "sk-of-the-provider",
            **environment,
        }
        log = (home.parent / f"{home.name}.log").open("wb")
        self.process = subprocess.Popen([sys.executable, "-c", PROGRAM], env={**os.environ, **given}, stderr=log)
        log.close()

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
        return (self.home.parent / f"{self.home.name}.log").read_text()

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
    service = Process(home, stub, **environment)
    try:
        service.wait_until_ready()
        yield service
    finally:
        if service.process.poll() is None:
            service.process.kill()
        service.process.wait(10)


def test_sigterm_finishes_what_was_accepted_and_then_stops_with_success(tmp_path: Path, stub: OpenAIStub) -> None:
    with running(tmp_path / "home", stub) as service, ThreadPoolExecutor(2) as pool:
        stub.enqueue(Behaviour(delay_s=1.5), Behaviour(delay_s=1.5))
        plain = pool.submit(service.post)
        streamed = pool.submit(service.post, **STREAM)
        _until(lambda: len(stub.requests) == 2)
        service.process.send_signal(signal.SIGTERM)
        assert plain.result().status_code == 201
        assert events_of(streamed.result().text)[-1][0] == "result"
        assert service.process.wait(20) == 0
        assert service.stored() == 2


def test_sigterm_finishes_a_riddle_whose_client_has_gone(tmp_path: Path, stub: OpenAIStub) -> None:
    with running(tmp_path / "home", stub) as service:
        stub.enqueue(Behaviour(delay_s=1.5))
        with socket.create_connection(("127.0.0.1", service.port)) as client:
            body = b'{"article": {"text": "The bridge was mended on Monday."}}'
            client.sendall(
                b"POST /v1/riddles HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
            )
            _until(lambda: len(stub.requests) == 1)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(20) == 0
        assert service.stored() == 1


def test_what_does_not_end_in_time_is_given_up_and_its_caller_told_to_send_it_again(
    tmp_path: Path, stub: OpenAIStub
) -> None:
    limits = {"RIDDLEWIRE_LIMITS_DRAIN_S": "1"}
    with running(tmp_path / "home", stub, **limits) as service, ThreadPoolExecutor(1) as pool:
        stub.enqueue(Behaviour(hang=True))
        waiting = pool.submit(service.post)
        _until(lambda: len(stub.requests) == 1)
        started = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        assert waiting.result().status_code == 503
        assert waiting.result().headers["retry-after"]
        service.process.wait(20)
        assert time.monotonic() - started < 8


def test_after_a_kill_the_same_key_makes_the_riddle_anew(tmp_path: Path, stub: OpenAIStub) -> None:
    with running(tmp_path / "home", stub) as service, ThreadPoolExecutor(1) as pool:
        stub.enqueue(Behaviour(hang=True))
        lost = pool.submit(service.post, **{"Idempotency-Key": "survivor"})
        _until(lambda: len(stub.requests) == 1)
        service.process.kill()
        with pytest.raises(httpx.TransportError):
            lost.result()
    with running(tmp_path / "home", stub) as service:
        assert service.post(**{"Idempotency-Key": "survivor"}).status_code == 201
        assert service.stored() == 1


def test_a_second_process_on_the_same_folder_is_refused_with_what_to_do(tmp_path: Path, stub: OpenAIStub) -> None:
    with running(tmp_path / "home", stub):
        second = Process(tmp_path / "home", stub)
        assert second.process.wait(30) != 0
        assert "already serves from the data folder" in second.log()


def _until(condition: Any) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
