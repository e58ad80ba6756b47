from __future__ import annotations

import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.service.http.test_streaming import STREAM, events_of
from tests.support.openai_stub import Behaviour
from tests.support.program import Process, running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.openai_stub import OpenAIStub


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
