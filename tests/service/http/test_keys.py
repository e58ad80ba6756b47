from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from service.server import AppFactory, Server, configuration
from service.settings import UnsafeSettings
from tests.service.http.conftest import ARTICLE, Live, serving, settings_for
from tests.service.http.test_refusals import assert_problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.openai_stub import OpenAIStub

WRITES = [
    ("POST", "/v1/riddles"),
    ("POST", "/v1/riddles/rid_1/promote"),
    ("GET", "/v1/riddles/rid_1/feedback"),
    ("POST", "/v1/examples"),
    ("POST", "/v1/examples/ex_1/approve"),
    ("POST", "/v1/examples/import"),
    ("PUT", "/v1/examples/ex_1"),
    ("DELETE", "/v1/examples/ex_1"),
    ("POST", "/v1/pipelines/compare"),
    ("POST", "/v1/pipelines/openai/explain"),
]
READS = [
    "/v1/riddles",
    "/v1/riddles/rid_1",
    "/v1/examples",
    "/v1/examples/export",
    "/v1/examples/ex_1",
    "/v1/pipelines",
    "/v1/pipelines/openai",
    "/v1/prompts",
    "/v1/prompts/riddle",
    "/v1/prompts/riddle/1",
]


@pytest.fixture(scope="module")
def _keyed(tmp_path_factory: pytest.TempPathFactory, _stub: OpenAIStub) -> Iterator[Live]:
    with serving(settings_for(tmp_path_factory.mktemp("keyed"), _stub), _stub) as live:
        live.key("admin")
        yield live


@pytest.fixture
def keyed(_keyed: Live, stub: OpenAIStub) -> Live:
    """A service that has keys."""
    return _keyed


def test_without_keys_this_machine_may_do_everything(live: Live) -> None:
    assert live.make().status_code == 201


@pytest.mark.parametrize("host", ["evil.example", "10.0.0.1", "evil.example:80", "localhost.evil.example"])
def test_without_keys_a_web_page_that_resolves_its_name_to_us_gets_nothing(live: Live, host: str) -> None:
    assert_problem(live.get("/v1/riddles", headers={"Host": host}), 401)


@pytest.mark.parametrize("host", ["localhost", "localhost:1234", "127.0.0.1", "[::1]:80"])
def test_without_keys_any_name_of_this_machine_will_do(live: Live, host: str) -> None:
    assert live.get("/v1/riddles", headers={"Host": host}).status_code == 200


def test_serving_elsewhere_without_keys_is_refused_at_start(tmp_path: Path, stub: OpenAIStub) -> None:
    from service.opening import open_resources

    settings = settings_for(tmp_path, stub, host="0.0.0.0")

    async def start() -> None:
        async with open_resources(settings, serving=True):
            pass

    import asyncio

    with pytest.raises(UnsafeSettings, match="keys create"):
        asyncio.run(start())


def test_a_server_that_may_not_start_does_not_listen(tmp_path: Path, stub: OpenAIStub) -> None:
    settings = settings_for(tmp_path, stub, host="0.0.0.0")
    server = Server(configuration(settings, AppFactory(settings, prepare=lambda _: None)))
    with pytest.raises(SystemExit):
        server.run()
    assert not server.started


def test_every_call_needs_a_key_once_one_exists(keyed: Live) -> None:
    with keyed.client() as client:
        for method, path in [*WRITES, *(("GET", path) for path in READS)]:
            response = client.request(method, path)
            assert_problem(response, 401)
            assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/openapi.json", "/docs"])
def test_operations_need_no_key(keyed: Live, path: str) -> None:
    assert keyed.get(path).status_code == 200


def test_readers_read_and_write_nothing(keyed: Live) -> None:
    reader = keyed.key("reader")
    with keyed.client(headers=reader) as client:
        for method, path in WRITES:
            assert_problem(client.request(method, path), 403)
        for path in READS:
            assert client.get(path).status_code in (200, 404)


def test_readers_see_neither_answer_nor_summary_nor_provenance(keyed: Live) -> None:
    writer, reader = keyed.key("writer"), keyed.key("reader")
    made = keyed.post("/v1/riddles", json={"article": ARTICLE}, headers=writer).json()
    path = f"/v1/riddles/{made['id']}"
    seen = keyed.get(path, headers=reader).json()
    listed = keyed.get("/v1/riddles", headers=reader).json()["items"][0]
    assert listed == seen
    assert made.keys() - seen.keys() == {"answer", "summary", "provenance"}
    assert seen["riddle"] == made["riddle"]
    assert all(check["detail"] == "" for check in seen["checks"])
    assert keyed.get(path, headers=writer).json() == made


def test_readers_cannot_find_a_riddle_by_what_they_may_not_see(keyed: Live) -> None:
    writer, reader = keyed.key("writer"), keyed.key("reader")
    keyed.stub.enqueue("A clockmaker mended a bridge.")
    made = keyed.post("/v1/riddles", json={"article": ARTICLE}, headers=writer).json()
    assert "clockmaker" in made["summary"]
    query = {"q": "clockmaker"}
    assert len(keyed.get("/v1/riddles", params=query, headers=writer).json()["items"]) == 1
    page = keyed.get("/v1/riddles", params=query, headers=reader).json()
    assert made["id"] not in str(page)
    assert page == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Bearer rw_0123456789ab_" + "0" * 48},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"X-API-Key": "x" * 5000},
        {"X-API-Key": b"\xfc"},
    ],
)
def test_a_wrong_key_is_refused_and_not_repeated(keyed: Live, headers: dict[str, str | bytes]) -> None:
    response = keyed.get("/v1/riddles", headers=headers)
    assert_problem(response, 401)
    assert "nonsense" not in response.text


def test_a_key_may_come_as_x_api_key(keyed: Live) -> None:
    secret = keyed.key("reader")["Authorization"].removeprefix("Bearer ")
    assert keyed.get("/v1/riddles", headers={"X-API-Key": secret}).status_code == 200


def test_a_revoked_key_is_refused_within_two_seconds(keyed: Live) -> None:
    import time

    key, secret = keyed.resources.keys.create("leaver", "reader")
    headers = {"X-API-Key": secret}
    assert keyed.get("/v1/riddles", headers=headers).status_code == 200
    keyed.resources.keys.revoke(key.id)
    deadline = time.monotonic() + 2
    while keyed.get("/v1/riddles", headers=headers).status_code != 401:
        assert time.monotonic() < deadline


def test_an_unknown_caller_is_refused_before_the_body_is_read(keyed: Live) -> None:
    url = httpx.URL(keyed.url)
    with socket.create_connection((url.host, url.port or 80), timeout=5) as connection:
        connection.sendall(b"POST /v1/riddles HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 401")


def test_over_its_rate_a_key_is_told_when_to_come_back(keyed: Live) -> None:
    slow, other = keyed.key("reader", rate="3/hour"), keyed.key("reader")
    answers = [keyed.get("/v1/riddles", headers=slow) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert_problem(answers[-1], 429)
    assert 3000 < int(answers[-1].headers["retry-after"]) <= 3600
    assert answers[-1].headers["ratelimit-policy"] == '"key";q=3;w=3600'
    assert answers[0].headers["ratelimit"].startswith('"key";r=2;')
    assert keyed.get("/v1/riddles", headers=other).status_code == 200
    assert "ratelimit" not in keyed.get("/v1/riddles", headers=other).headers
