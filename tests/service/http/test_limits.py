from __future__ import annotations

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.service.http.conftest import ARTICLE, Live, Serve
from tests.service.http.test_refusals import assert_problem
from tests.service.http.test_streaming import STREAM
from tests.support.openai_stub import Behaviour

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON = {"Content-Type": "application/json"}


def test_a_body_over_the_limit_is_refused_by_its_declared_length(live: Live) -> None:
    response = live.post("/v1/riddles", content=b'{"article": {"text": "' + b"a" * 3_000_000 + b'"}}', headers=JSON)
    assert_problem(response, 413)


def test_a_body_over_the_limit_is_refused_before_it_is_sent(live: Live) -> None:
    url = httpx.URL(live.url)
    with socket.create_connection((url.host, url.port or 80), timeout=5) as connection:
        connection.sendall(
            b"POST /v1/riddles HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000000000000\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_an_endless_chunked_body_is_cut_off_at_the_limit(live: Live) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield b'{"article": {"text": "'
        while sent < 200_000_000:
            sent += 65536
            yield b"a" * 65536

    with live.client() as client:
        response = client.post("/v1/riddles", content=endless(), headers=JSON)
    assert_problem(response, 413)
    assert response.headers["connection"] == "close"
    assert sent < 20_000_000


def test_a_body_at_the_limit_is_taken(serve: Serve) -> None:
    body = json.dumps({"article": ARTICLE}).encode()
    live = serve(limits={"body_bytes": len(body)})
    assert live.post("/v1/riddles", content=body, headers=JSON).status_code == 201
    assert_problem(live.post("/v1/riddles", content=body + b" ", headers=JSON), 413)


@pytest.mark.parametrize("headers", [{}, STREAM])
def test_over_the_in_flight_limit_callers_are_told_to_wait_and_the_accepted_one_finishes(
    serve: Serve, headers: dict[str, str]
) -> None:
    live = serve(limits={"in_flight": 1})
    live.stub.enqueue(Behaviour(delay_s=1.0))
    with ThreadPoolExecutor(1) as pool:
        accepted = pool.submit(live.post, "/v1/riddles", json={"article": ARTICLE}, headers=headers)
        time.sleep(0.4)
        refused = live.make()
        assert_problem(refused, 503)
        assert int(refused.headers["retry-after"]) >= 1
        assert accepted.result().status_code in (200, 201)
    assert live.make().status_code == 201


def test_a_replay_needs_no_room(serve: Serve) -> None:
    live = serve(limits={"in_flight": 1})
    first = live.make(Idempotency_Key="kept")
    live.stub.enqueue(Behaviour(delay_s=1.0))
    busy = threading.Thread(target=live.make)
    busy.start()
    time.sleep(0.4)
    again = live.make(Idempotency_Key="kept")
    busy.join()
    assert again.content == first.content


def test_no_slot_is_lost_by_failures(serve: Serve) -> None:
    live = serve(limits={"in_flight": 2})
    for _ in range(3):
        live.stub.enqueue(Behaviour(status=400))
        assert live.make().status_code == 502
        assert live.post("/v1/riddles", json={"article": {"text": ""}}).status_code == 422
        assert live.post("/v1/riddles", json={"article": ARTICLE, "pipeline": "nope"}).status_code == 404
    assert live.resources.in_flight.used == 0


def test_many_at_once_are_all_answered(live: Live) -> None:
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda n: live.make({**ARTICLE, "title": f"T{n}"}).status_code, range(64)))
    assert statuses == [201] * 64
