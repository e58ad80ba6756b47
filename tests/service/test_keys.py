from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import Engine, select

from domain.errors import InvalidInput, NotFound
from service.keys import CACHED_S, InvalidKey, KeyStore
from service.ratelimit import InvalidRate
from service.storage.tables import api_keys
from tests.support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(engine: Engine, clock: Clock) -> KeyStore:
    return KeyStore(engine, clock)


def test_a_key_opens_with_its_secret_and_carries_role_rate_and_tenant(keys: KeyStore) -> None:
    key, secret = keys.create("newsroom", "writer", "60/minute", tenant="desk")

    assert keys.verify(secret) == key
    assert (key.role, key.rate, key.tenant) == ("writer", "60/minute", "desk")
    assert secret.startswith(f"rw_{key.id}_")


def test_the_secret_is_not_in_the_database(keys: KeyStore, engine: Engine) -> None:
    _, secret = keys.create("newsroom")

    with engine.connect() as connection:
        row = connection.execute(select(api_keys)).one()
    assert bytes(row.secret_hash) == hashlib.sha256(secret.encode()).digest()
    assert secret.rpartition("_")[2] not in repr(tuple(row))


@pytest.mark.parametrize("wrong", ["", "rw", "rw_1_2", "Bearer x", "rw_000000000000_" + "0" * 48, "é" * 64, "rw_" * 99])
def test_what_is_no_key_opens_nothing(keys: KeyStore, wrong: str) -> None:
    keys.create("newsroom")

    assert keys.verify(wrong) is None


def test_another_secret_of_a_known_id_opens_nothing(keys: KeyStore) -> None:
    key, secret = keys.create("newsroom")
    other = secret[:-1] + ("0" if secret[-1] != "0" else "1")

    assert keys.verify(secret) == key
    assert keys.verify(other) is None


def test_a_revoked_key_stops_at_once_here_and_within_a_second_elsewhere(engine: Engine, clock: Clock) -> None:
    here, elsewhere = KeyStore(engine, clock), KeyStore(engine, clock)
    key, secret = here.create("newsroom")
    assert here.verify(secret)
    assert elsewhere.verify(secret)

    here.revoke(key.id)

    assert here.verify(secret) is None
    clock.now += CACHED_S
    assert elsewhere.verify(secret) is None
    assert CACHED_S <= 1


def test_a_key_just_used_needs_no_database(keys: KeyStore, clock: Clock) -> None:
    key, secret = keys.create("newsroom")

    assert keys.verify_cached(secret) == (False, None)
    keys.verify(secret)
    assert keys.verify_cached(secret) == (True, key)
    assert keys.verify_cached(secret[:-1] + "x") == (True, None)
    clock.now += CACHED_S
    assert keys.verify_cached(secret) == (False, None)


def test_a_new_key_works_at_once_although_nobody_was_known_by_its_id(keys: KeyStore) -> None:
    keys.verify("rw_000000000000_" + "0" * 48)
    key, secret = keys.create("newsroom")

    assert keys.verify(secret) == key


def test_once_a_key_was_made_keys_are_needed_even_when_all_are_revoked(keys: KeyStore, clock: Clock) -> None:
    assert keys.exist_cached() is None
    assert not keys.exist()
    assert keys.exist_cached() is False
    key, _ = keys.create("newsroom")
    keys.revoke(key.id)
    clock.now += CACHED_S

    assert keys.exist()
    assert keys.exist_cached() is True


def test_the_list_shows_all_keys_without_secrets(keys: KeyStore) -> None:
    first, _ = keys.create("a")
    second, _ = keys.create("b", "admin")
    keys.revoke(first.id)

    listed = keys.list()

    assert [key.id for key in listed] == [first.id, second.id]
    assert listed[0].revoked_at is not None
    assert listed[1] == second


def test_revoking_twice_changes_nothing_and_an_unknown_id_is_not_found(keys: KeyStore) -> None:
    key, _ = keys.create("a")
    keys.revoke(key.id)
    once = keys.list()
    keys.revoke(key.id)

    assert keys.list() == once
    with pytest.raises(NotFound, match="API key"):
        keys.revoke("nope")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 201])
def test_a_name_nobody_can_read_is_refused(keys: KeyStore, name: str) -> None:
    with pytest.raises(InvalidKey, match="name"):
        keys.create(name)


def test_an_unknown_role_or_rate_is_refused(keys: KeyStore) -> None:
    with pytest.raises(InvalidKey, match="reader, writer, admin"):
        keys.create("a", "root")  # type: ignore[arg-type]  # what a caller may send
    with pytest.raises(InvalidRate, match="60/minute"):
        keys.create("a", rate="often")
    assert issubclass(InvalidRate, InvalidInput)
