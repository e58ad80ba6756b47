from __future__ import annotations

import signal
import socket
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.service.http.test_streaming import STREAM, events_of
from tests.service.jobs.lab import Client, articles
from tests.support.openai_stub import Behaviour
from tests.support.program import PROGRAM, Process, running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.openai_stub import OpenAIStub

ONE_OF_SEVERAL = (
    "import uvicorn; from service.server import AppFactory, configuration; from service.settings import Settings; "
    "settings = Settings(); uvicorn.Server(configuration(settings, AppFactory(settings))).run()"
)
"""What serves where there are several processes: uvicorn's own server."""


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


@pytest.mark.parametrize("program", [PROGRAM, ONE_OF_SEVERAL])
def test_sigterm_begins_no_article_although_a_request_is_open_and_lets_those_begun_end(
    tmp_path: Path, stub: OpenAIStub, program: str
) -> None:
    few = {"RIDDLEWIRE_LIMITS_DRAIN_S": "5", "RIDDLEWIRE_JOBS_CONCURRENCY": "2"}
    service = Process(tmp_path / "home", stub, command=("-c", program), environment=few)
    try:
        service.wait_until_ready()
        with ThreadPoolExecutor(1) as pool:
            stub.enqueue(Behaviour(hang=True), *[Behaviour(delay_s=0.5)] * 60)
            open_request = pool.submit(service.post)
            _until(lambda: len(stub.requests) == 1)
            Client(lambda: service.url).send(articles(20))
            _until(lambda: len(stub.requests) >= 4)
            begun = _begun(service)
            service.process.send_signal(signal.SIGTERM)
            assert open_request.result().status_code == 503
        service.process.wait(20)
    finally:
        service.process.kill()
    assert _begun(service) <= begun + 2  # the signal may come while the next two are let in
    assert _statuses(service) == {"published", "queued"}


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


def _begun(service: Process) -> int:
    return sum(starts for starts, _ in _jobs(service))


def _statuses(service: Process) -> set[str]:
    return {status for _, status in _jobs(service)}


def _jobs(service: Process) -> list[tuple[int, str]]:
    with closing(sqlite3.connect(service.home / "riddlewire.db")) as database:
        return database.execute("SELECT starts, status FROM jobs").fetchall()


def _until(condition: Any) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
