from __future__ import annotations

import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from service.cli.exits import Exit
from service.storage.engine import open_engine
from service.storage.migrate import migrate
from service.webhooks.outbox import enqueue
from service.webhooks.signing import checked_secret, new_secret, signed_headers
from service.webhooks.targets import TargetPolicy
from tests.service.cli.running import Cli

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"type":"batch.done","timestamp":"2026-03-01T12:00:00Z","data":{"title":"\\u001b[2J","name":"Zürich"}}'.encode()


@pytest.fixture
def delivery(cli: Cli) -> str:
    """One delivery in the data folder of the command."""
    engine = open_engine(f"sqlite:///{cli.home / 'riddlewire.db'}")
    migrate(engine)
    with engine.begin() as connection:
        target = TargetPolicy().target("https://hooks.example/x", SECRET)
        made = enqueue(connection, target=target, event_type="batch.done", data={}, subject="bat_7")
    engine.dispose()
    return made


def test_deliveries_are_listed_without_their_secrets(cli: Cli, delivery: str) -> None:
    listed = cli("webhooks", "list")
    assert listed.out == f"{delivery}\tbatch.done\tbat_7\tpending\t0\t-\thttps://hooks.example/x\n"
    as_json = cli("webhooks", "list", "--json", "--subject", "bat_7")
    assert [(one["id"], one["status"], one["attempts"]) for one in as_json.json] == [(delivery, "pending", [])]
    assert "whsec" not in listed.out + as_json.out
    assert listed.err == ""
    assert cli("webhooks", "list", "--status", "failed").out == ""


def test_a_log_without_deliveries_says_so_beside_its_output(cli: Cli, tmp_path: Path, delivery: str) -> None:
    none_such = cli("webhooks", "list", "--status", "failed")
    assert (none_such.out, none_such.err) == ("", "There are no such deliveries.\n")
    empty = Cli(tmp_path / "empty")("webhooks", "list")
    assert (empty.out, empty.err) == ("", "Nothing has been delivered, nor is it to be.\n")
    assert delivery in cli("webhooks", "list").out


def test_a_delivery_is_made_due_and_an_unknown_one_is_an_error(cli: Cli, delivery: str) -> None:
    assert cli("webhooks", "redeliver", delivery).code == Exit.OK
    unknown = cli("webhooks", "redeliver", "whd_none")
    assert unknown.code == Exit.FAILED
    assert "whd_none" in unknown.err


def test_a_secret_is_made_on_standard_output(cli: Cli) -> None:
    made = cli("webhooks", "secret").out.strip()
    assert checked_secret(made) == made


def test_the_listener_prints_what_is_signed_and_refuses_the_rest(cli: Cli) -> None:
    with cli.start("webhooks", "listen", "--port", "0", "--secret", SECRET, "--answer", "202") as process:
        assert process.stderr is not None
        assert process.stdout is not None
        url = process.stderr.readline().split()[2]
        assert _post(url, SECRET) == 202
        assert _post(url, new_secret()) == 401
        assert httpx.post(url, content=BODY, trust_env=False).status_code == 401
        assert httpx.post(url, content=b"\xff", headers={"webhook-id": "x"}, trust_env=False).status_code == 401
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == Exit.INTERRUPTED
    assert out.count("\n") == 1
    assert '"name":"Zürich"' in out
    assert "\x1b" not in out


def _post(url: str, secret: str) -> int:
    headers = signed_headers("whd_1", datetime.now(UTC), BODY, secret)
    return httpx.post(url, content=BODY, headers=headers, trust_env=False).status_code


def test_a_listener_without_a_usable_secret_or_port_says_what_to_change(cli: Cli) -> None:
    assert cli("webhooks", "listen", "--secret", "hunter2").code == Exit.INPUT
    with cli.start("webhooks", "listen", "--port", "0", "--secret", SECRET) as first:
        assert first.stderr is not None
        port = first.stderr.readline().split()[2].rstrip("/").rpartition(":")[2]
        second = cli.process("webhooks", "listen", "--port", port, "--secret", SECRET)
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=30)
    assert second.code == Exit.CONFIGURATION
    assert "--port" in second.err
