"""Several processes on one PostgreSQL keep one limit."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from service.limits.bucket import Bucket
from service.storage.provider_limits import LEASE_S
from tests.support.openai_stub import Behaviour, rate_limited

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.openai_stub import OpenAIStub

pytestmark = pytest.mark.postgres

PATIENCE_S = 60.0


class Started:
    """Processes that call the stub."""

    def __init__(self, home: Path, database_url: str, stub: OpenAIStub) -> None:
        self._where = [str(home), database_url, stub.url]
        self.all: list[subprocess.Popen[str]] = []

    def start(self, provider: dict[str, Any], *, seconds: float, at_once: int) -> subprocess.Popen[str]:
        """Start one, which calls as soon as it is told to."""
        program = [sys.executable, "-m", "tests.service.limits.calling", *self._where]
        process = subprocess.Popen(
            [*program, json.dumps(provider), str(seconds), str(at_once)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.all.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def go(self) -> None:
        """Let all that were started call now."""
        for process in self.all:
            if process.poll() is None:
                assert process.stdin is not None
                process.stdin.write("go\n")
                process.stdin.flush()


def outcomes(process: subprocess.Popen[str]) -> list[str]:
    out, _ = process.communicate(timeout=PATIENCE_S)
    return out.split()


@contextmanager
def _started(home: Path, database_url: str, stub: OpenAIStub) -> Iterator[Started]:
    started = Started(home, database_url, stub)
    try:
        yield started
    finally:
        for process in started.all:
            process.kill()
            process.communicate()


@pytest.fixture
def processes(tmp_path: Path, postgres_url: str, stub: OpenAIStub) -> Iterator[Started]:
    with _started(tmp_path, postgres_url, stub) as started:
        yield started


def test_two_processes_together_send_no_more_requests_than_one_may(processes: Started, stub: OpenAIStub) -> None:
    limit = {"requests_per_minute": 300, "max_wait_s": 5}
    both = [processes.start(limit, seconds=6, at_once=16) for _ in range(2)]
    processes.go()
    answered = [outcomes(process).count("ok") for process in both]

    bucket, times = Bucket.of_requests(300), sorted(request.at for request in stub.requests)
    for index, begun in enumerate(times):  # the law of the bucket for every stretch, so no minute is over the limit
        for count, moment in enumerate(times[index:], start=1):
            assert count <= bucket.capacity + bucket.rate * (moment - begun + 0.25) + 1
    assert len(times) >= 0.8 * (bucket.capacity + bucket.rate * 5)
    assert min(answered) > 5  # neither takes it all


def test_two_processes_together_have_no_more_calls_in_flight_than_are_shared(
    processes: Started, stub: OpenAIStub
) -> None:
    stub.default = Behaviour(delay_s=0.05)
    both = [processes.start({"shared_concurrency": 6}, seconds=4, at_once=10) for _ in range(2)]
    processes.go()
    answered = [outcomes(process).count("ok") for process in both]
    assert stub.most_in_flight == 6
    assert min(answered) > 0.3 * sum(answered)


def test_a_refusal_of_one_process_is_heeded_by_the_other(processes: Started, stub: OpenAIStub) -> None:
    stub.default = Behaviour(delay_s=0.02)
    limit = {"max_retries": 0, "requests_per_minute": 60_000}
    both = [processes.start(limit, seconds=6, at_once=4) for _ in range(2)]
    processes.go()
    time.sleep(1.5)
    stub.enqueue(rate_limited("2"))  # one call of one of them
    refused_at = time.monotonic()
    for process in both:
        outcomes(process)
    quiet = [request for request in stub.requests if refused_at + 0.5 < request.at < refused_at + 1.8]
    after = [request for request in stub.requests if request.at > refused_at + 2.0]
    assert quiet == []
    assert len(after) > 8


def test_the_places_of_a_killed_process_come_back(processes: Started, stub: OpenAIStub) -> None:
    stub.default = Behaviour(delay_s=12)
    killed = processes.start({"shared_concurrency": 2}, seconds=60, at_once=2)
    processes.go()
    deadline = time.monotonic() + PATIENCE_S
    while len(stub.requests) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    stub.default = Behaviour()
    killed_at = time.monotonic()
    heir = processes.start({"shared_concurrency": 2, "max_wait_s": 30}, seconds=LEASE_S + 4, at_once=2)
    processes.go()
    assert outcomes(heir).count("ok") > 2
    first = next(request.at for request in stub.requests if request.at > killed_at)
    assert first - killed_at > LEASE_S - 2  # it was renewed up to a second before, and not an instant too early
