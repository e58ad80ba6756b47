from __future__ import annotations

import http.client
import json
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest

from service.cli.exits import Exit

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.service.cli.running import Cli


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_alive(port: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/livez")
            assert connection.getresponse().status == 200
        except OSError:
            time.sleep(0.1)
        else:
            connection.close()
            return
    pytest.fail("the server did not start")


@pytest.fixture
def port(service: Cli) -> Iterator[int]:
    """A server of its own process, with the stub as its model."""
    chosen = _free_port()
    process = service.start("serve", "--port", str(chosen))
    try:
        _wait_until_alive(chosen, process)
        yield chosen
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode in {Exit.OK, Exit.INTERRUPTED}


def test_a_riddle_made_by_a_server_is_told_like_one_made_here(service: Cli, port: int, article: Path) -> None:
    told = service("riddle", str(article), "--url", f"http://127.0.0.1:{port}")
    assert told.code in {Exit.OK, Exit.NEEDS_REVIEW}, told.err
    assert "Examples, most similar first" in told.out
    assert told.out.rstrip().splitlines()[-1].strip() == "mended stone crossing"
    riddle = service("riddle", str(article), "--json", "--url", f"http://127.0.0.1:{port}/").json
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", f"/v1/riddles/{riddle['id']}")
    assert json.loads(connection.getresponse().read())["riddle"] == riddle["riddle"]
    connection.close()


def test_keys_and_examples_can_be_changed_beside_a_running_server(service: Cli, port: int, article: Path) -> None:
    secret = service("keys", "create", "me").out.strip()
    time.sleep(1.1)  # how long a server believes that there are no keys
    url = f"http://127.0.0.1:{port}"
    refused = service("riddle", str(article), "--url", url)
    assert refused.code == Exit.CONFIGURATION
    assert "RIDDLEWIRE_API_KEY" in refused.err
    assert service("riddle", str(article), "--json", "--url", url, RIDDLEWIRE_API_KEY=secret).json["riddle"]
    for key in service("keys", "list", "--json").json:
        service("keys", "revoke", key["id"])


def test_a_second_server_on_one_data_folder_is_refused_in_one_line(service: Cli, port: int) -> None:
    ended = service.process("serve", "--port", "0")
    assert (ended.code, ended.err.count("\n")) == (Exit.CONFIGURATION, 1)
    assert "already serves" in ended.err


def test_no_server_there_is_one_clear_line(shared: Cli, article: Path) -> None:
    ended = shared("riddle", str(article), "--url", f"http://127.0.0.1:{_free_port()}")
    assert ended.code == Exit.FAILED
    assert "is 'riddlewire serve' running there?" in ended.err
    assert ended.err.count("\n") == 1


def test_another_kind_of_server_is_one_clear_line(shared: Cli, stub_port: int, article: Path) -> None:
    ended = shared("riddle", str(article), "--url", f"http://127.0.0.1:{stub_port}")
    assert ended.code == Exit.FAILED
    assert "is it a Riddlewire server?" in ended.err


@pytest.fixture
def stub_port(service: Cli) -> int:
    """Of a server that is not Riddlewire."""
    return int(service.env["OPENAI_BASE_URL"].rpartition(":")[2].partition("/")[0])


def test_strangers_are_not_served_without_keys(cli: Cli) -> None:
    ended = cli.process("serve", "--host", "0.0.0.0", "--port", "0")
    assert ended.code == Exit.CONFIGURATION
    assert "keys create" in ended.err
    assert ended.err.count("\n") == 1


def test_several_processes_on_one_sqlite_file_are_refused(cli: Cli) -> None:
    ended = cli.process("serve", "--workers", "2")
    assert ended.code == Exit.CONFIGURATION
    assert "RIDDLEWIRE_DATABASE_URL" in ended.err


@pytest.mark.parametrize("command", ["serve", "work"])
def test_a_chroma_server_that_is_away_is_named_in_the_last_line(cli: Cli, command: str) -> None:
    away = f"http://127.0.0.1:{_free_port()}"
    ended = cli.process(command, RIDDLEWIRE_PORT="0", RIDDLEWIRE_CHROMA_URL=away)
    assert ended.code == Exit.FAILED
    last = ended.err.splitlines()[-1]
    assert last.startswith(f"riddlewire: the example index is unavailable: {away}")
    assert "check that Chroma runs" in last


def test_several_processes_that_cannot_start_end_with_a_failure(cli: Cli) -> None:
    nobody = f"127.0.0.1:{_free_port()}"
    away = {"RIDDLEWIRE_DATABASE_URL": f"postgresql://a:b@{nobody}/c", "RIDDLEWIRE_CHROMA_URL": f"http://{nobody}"}
    ended = cli.process("serve", "--workers", "2", RIDDLEWIRE_PORT="0", **away)
    assert ended.code == Exit.FAILED
    assert "cannot use the database" in ended.err
