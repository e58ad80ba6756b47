"""`riddlewire batch --url` against servers that are away, busy, over a rate, or none at all."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from service.cli.batch_following import rest_s
from service.cli.exits import Exit
from service.cli.remote import ServerBusy, ServerUnreachable
from service.cli.remote_batch import connected
from service.cli.remote_patience import ServerPatience
from tests.service.cli.scripted_server import BATCH, Scripted, ScriptedServer, batch, problem
from tests.support.program import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.service.cli.running import Cli

LINE = json.dumps({"text": "A ship left the harbour."})
PROXY = Scripted(502, b"<html>Bad Gateway</html>")


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as made:
        yield made


def test_a_server_over_the_keys_rate_is_left_alone_for_as_long_as_it_asks(cli: Cli, server: ScriptedServer) -> None:
    server.enqueue(batch(done=False), batch(done=False))
    server.enqueue(problem(429, "rate-limited", "2 a minute", Retry_After="2"))
    ended = cli("batch", "-", "--url", server.url, stdin=LINE)
    assert ended.code == Exit.OK, ended.err
    assert json.loads(ended.out)["index"] == 0
    limited, again = server.asked[2], server.asked[3]
    assert limited[0] == again[0] == f"/v1/batches/{BATCH}"
    assert again[1] - limited[1] >= 2
    assert "the server answered 429: 2 a minute\nit asks to wait 2 s, for up to 60 minutes; Ctrl-C stops." in ended.err


@pytest.mark.parametrize(
    "trouble",
    [
        problem(503, "queue-full", "too many articles wait", Retry_After="1"),
        problem(503, "database-unavailable", "the database is away"),
        problem(409, "request-in-progress", "it is being answered", Retry_After="1"),
        PROXY,
        Scripted(504, b""),
    ],
    ids=["queue-full", "database-unavailable", "request-in-progress", "proxy", "gateway-timeout"],
)
def test_a_server_that_cannot_now_is_waited_for(cli: Cli, server: ScriptedServer, trouble: Scripted) -> None:
    server.enqueue(trouble, trouble)  # to sending
    server.enqueue(batch(done=False), trouble)  # to the first look
    server.enqueue(batch(done=True), trouble)  # to fetching the results
    ended = cli("batch", "-", "--url", server.url, stdin=LINE)
    assert ended.code == Exit.OK, ended.err
    assert len(ended.out.splitlines()) == 1
    assert ended.err.count("; Ctrl-C stops.") == 1  # told once


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (problem(401, "unauthenticated", "no key"), Exit.CONFIGURATION),
        (problem(422, "invalid-request", "no text"), Exit.INPUT),
        (problem(503, "not-configured", "set OPENAI_API_KEY"), Exit.FAILED),
        (problem(500, "internal", "our fault"), Exit.FAILED),
        (Scripted(200, b"<html>Welcome</html>"), Exit.FAILED),
        (Scripted(200, b"[]"), Exit.FAILED),
        (Scripted(404, b"nothing here"), Exit.FAILED),
        (problem(404, "not-found", "no pipeline"), Exit.FAILED),
    ],
)
def test_what_waiting_does_not_help_ends_it_at_once(
    cli: Cli, server: ScriptedServer, trouble: Scripted, code: Exit
) -> None:
    server.enqueue(trouble)
    ended = cli("batch", "-", "--url", server.url, stdin=LINE)
    assert ended.code == code
    assert len(server.asked) == 1
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("url", ["foo", "", "ftp://127.0.0.1", "http://", "http://127.0.0.1:port", "127.0.0.1:8000"])
@pytest.mark.parametrize("command", [("batch", "-"), ("riddle", "-"), ("batches", "cancel", "bat_1")])
def test_what_is_no_servers_address_is_refused_as_it_is_read(cli: Cli, command: tuple[str, ...], url: str) -> None:
    ended = cli(*command, "--url", url, stdin=LINE)
    assert (ended.code, ended.out) == (Exit.USAGE, "")
    assert f"{url!r} is no server's address" in ended.err


def test_a_name_that_nobody_has_ends_it_at_once(cli: Cli) -> None:
    began = time.monotonic()
    ended = cli("batch", "-", "--url", "http://no-such-host.invalid", stdin=LINE)
    assert time.monotonic() - began < 30
    assert ended.code == Exit.FAILED
    assert "http://no-such-host.invalid cannot be used: " in ended.err
    assert "check --url" in ended.err


def test_a_server_that_is_not_there_yet_is_waited_for_with_a_word(cli: Cli) -> None:
    port = free_port()

    def start_late() -> ScriptedServer:
        time.sleep(3)
        return ScriptedServer(port).__enter__()

    with ThreadPoolExecutor() as pool:
        late = pool.submit(start_late)
        ended = cli("batch", "-", "--url", f"http://127.0.0.1:{port}", stdin=LINE)
        late.result().__exit__()
    assert ended.code == Exit.OK, ended.err
    assert f"no answer from http://127.0.0.1:{port}: " in ended.err
    assert "trying again, for up to 2 minutes; Ctrl-C stops." in ended.err


def test_patience_ends(server: ScriptedServer) -> None:
    server.enqueue(*[PROXY] * 100)
    with pytest.raises(ServerBusy):
        asyncio.run(look(server.url, ServerPatience(silent_s=1)))
    with pytest.raises(ServerUnreachable):
        asyncio.run(look(f"http://127.0.0.1:{free_port()}", ServerPatience(silent_s=1)))


def test_a_server_that_was_busy_for_long_is_waited_for_when_it_is_restarted(server: ScriptedServer) -> None:
    server.enqueue(problem(503, "queue-full", "too many articles wait", Retry_After="3"), PROXY)
    asyncio.run(look(server.url, ServerPatience(silent_s=2)))
    assert len(server.asked) == 3


def test_who_asks_for_more_patience_than_there_is_gets_none(server: ScriptedServer) -> None:
    server.enqueue(problem(429, "rate-limited", "1 a day", Retry_After="40000"))
    with pytest.raises(ServerBusy, match="1 a day"):
        asyncio.run(look(server.url, ServerPatience()))
    assert len(server.asked) == 1


async def look(url: str, patience: ServerPatience) -> None:
    async with connected(url, None, patience) as place:
        await place.look(BATCH)


def test_the_longer_a_batch_takes_the_less_often_it_is_looked_at() -> None:
    rests = [rest_s(None, elapsed, 10.0) for elapsed in (0, 1, 8, 20, 3600)]
    assert rests == [0.5, 0.5, 2.0, 5.0, 10.0]
    assert rest_s(1.5, 3600, 10.0) == 1.5
    assert rest_s(0.0, 3600, 10.0) == 0.5
    assert rest_s(500.0, 3600, 0.5) == 0.5
