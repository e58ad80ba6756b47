from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.cli.exits import Exit
from service.keys import KeyStore
from service.storage.engine import open_engine

if TYPE_CHECKING:
    from tests.service.cli.running import Cli


def test_only_the_secret_goes_to_standard_output(cli: Cli) -> None:
    ended = cli("keys", "create", "newsroom", "--role", "reader")
    secret = ended.out.strip()
    engine = open_engine(f"sqlite:///{cli.home}/riddlewire.db")
    key = KeyStore(engine).verify(secret)
    engine.dispose()
    assert key is not None
    assert (key.name, key.role) == ("newsroom", "reader")
    assert "cannot be shown again" in ended.err


def test_a_revoked_key_is_listed_as_revoked_and_never_with_its_secret(cli: Cli) -> None:
    created = cli("keys", "create", "me", "--json").json
    assert cli("keys", "revoke", created["id"]).code == Exit.OK
    listed = cli("keys", "list")
    assert listed.out.split("\t")[0] == created["id"]
    assert "revoked" in listed.out
    assert created["secret"] not in listed.out + cli("keys", "list", "--json").out


def test_a_keys_tenant_is_kept_and_listed(cli: Cli) -> None:
    made = cli("keys", "create", "desk", "--tenant", "herald", "--json").json
    cli("keys", "create", "everybody")
    assert made["tenant"] == "herald"
    assert [line.split("\t")[-1] for line in cli("keys", "list").out.splitlines()] == ["herald", "-"]
    assert [key["tenant"] for key in cli("keys", "list", "--json").json] == ["herald", None]
    engine = open_engine(f"sqlite:///{cli.home}/riddlewire.db")
    key = KeyStore(engine).verify(made["secret"])
    engine.dispose()
    assert key is not None
    assert key.tenant == "herald"


@pytest.mark.parametrize("tenant", ["", " ", "a\nb", "x" * 101])
def test_a_tenant_that_cannot_be_kept_is_refused(cli: Cli, tenant: str) -> None:
    ended = cli("keys", "create", "desk", "--tenant", tenant)
    assert (ended.code, ended.out) == (Exit.INPUT, "")
    assert "tenant must be 1 to 100" in ended.err


def test_revoking_an_unknown_key_fails(cli: Cli) -> None:
    ended = cli("keys", "revoke", "nosuchkey")
    assert ended.code == Exit.FAILED
    assert "nosuchkey" in ended.err


def test_a_rate_that_cannot_be_read_is_refused(cli: Cli) -> None:
    assert cli("keys", "create", "me", "--rate", "often").code == Exit.INPUT
