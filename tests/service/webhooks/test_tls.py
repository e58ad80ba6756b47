"""Certificates are verified, and the connection to a checked address still asks for the name of the URL."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = """
import asyncio, sys
from service.storage.delivery_rows import Claimed
from service.webhooks.sending import Sender
from service.webhooks.targets import TargetPolicy

async def lookup(host, port):
    return ["127.0.0.1"]

async def main(url):
    sender = Sender(TargetPolicy(allow_private=True), timeout_s=10, limit=1, lookup=lookup)
    claimed = Claimed(id="whd_1", token="t", event_type="batch.done", url=url, host="h", body=b"{}", tries=0,
                      secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", give_up_at=None, attempts=())
    sent = await sender.send(claimed)
    await sender.aclose()
    print(sent.outcome, sent.attempt.error)

asyncio.run(main(sys.argv[1]))
"""


@dataclass(frozen=True)
class Certified:
    """A receiver with a certificate for `hooks.example` that nobody trusts unless told to."""

    receiver: Receiver
    certificate: Path

    def send(self, host: str, *, trusted: bool) -> str:
        """What a sender in a process of its own says, which trusts the certificate or what the system trusts."""
        url = self.receiver.url(host=host).replace("http://", "https://")
        trust = {"SSL_CERT_FILE": str(self.certificate)} if trusted else {}
        command = [sys.executable, "-c", PROGRAM, url]
        return subprocess.run(command, env=os.environ | trust, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Certified]:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made_for = ["-subj", "/CN=hooks.example", "-addext", "subjectAltName=DNS:hooks.example"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *made_for, *files]
    subprocess.run(command, capture_output=True, check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Receiver(tls=context) as receiver:
        yield Certified(receiver, certificate)


def test_a_receiver_with_a_trusted_certificate_gets_the_event(certified: Certified) -> None:
    assert certified.send("hooks.example", trusted=True) == "delivered None\n"
    assert certified.receiver.received[-1].message_id == "whd_1"


@pytest.mark.parametrize(("host", "trusted"), [("hooks.example", False), ("other.example", True)])
def test_a_certificate_of_a_stranger_or_for_another_name_ends_the_attempt(
    certified: Certified, host: str, *, trusted: bool
) -> None:
    before = len(certified.receiver.received)
    said = certified.send(host, trusted=trusted)
    assert said.startswith("failed")
    assert "CERTIFICATE_VERIFY_FAILED" in said
    assert len(certified.receiver.received) == before
