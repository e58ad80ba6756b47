from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain.errors import InvalidExample, InvalidInput, NotFound
from tests.support.examples import an_example

if TYPE_CHECKING:
    from domain import Example
    from retrievers.store import ExampleStore


def test_an_added_example_comes_back_as_it_was(store: ExampleStore) -> None:
    stored = store.add(an_example(tenant="acme"))
    assert stored.id.startswith("ex_")
    assert replace(stored, id="") == an_example(tenant="acme")
    assert store.get(stored.id) == stored


def test_adding_the_same_content_again_returns_the_first_one(store: ExampleStore) -> None:
    first = store.add(an_example())
    revision = store.revision()
    assert store.add(an_example(origin="promoted")) == first
    assert store.revision() == revision


def test_updating_keeps_id_and_origin(store: ExampleStore) -> None:
    stored = store.add(an_example(origin="promoted"))
    updated = store.update(stored.id, an_example(number=2))
    assert (updated.id, updated.origin) == (stored.id, "promoted")
    assert store.get(stored.id) == updated


def test_updating_to_the_content_of_another_is_refused(store: ExampleStore) -> None:
    first, second = store.add(an_example()), store.add(an_example(number=2))
    with pytest.raises(InvalidExample, match=f"already that of example {first.id}"):
        store.update(second.id, an_example())


def test_content_that_was_edited_away_can_be_added_again_and_again(store: ExampleStore) -> None:
    for number in range(1, 5):
        stored = store.add(an_example())
        store.update(stored.id, an_example(number=number))
    assert store.count() == 4


@pytest.mark.parametrize("call", ["get", "remove", "update"])
def test_an_unknown_id_is_not_found(store: ExampleStore, call: str) -> None:
    arguments = ("ex_none", an_example()) if call == "update" else ("ex_none",)
    with pytest.raises(NotFound, match="no example 'ex_none'"):
        getattr(store, call)(*arguments)


def test_a_blank_tenant_is_refused(store: ExampleStore) -> None:
    with pytest.raises(InvalidExample, match="tenant is blank"):
        store.add(an_example(tenant=" "))


def test_every_change_raises_the_revision_and_reading_does_not(store: ExampleStore) -> None:
    revisions = [store.revision()]
    stored = store.add(an_example())
    revisions.append(store.revision())
    store.update(stored.id, an_example(number=2))
    revisions.append(store.revision())
    store.list()
    store.remove(stored.id)
    revisions.append(store.revision())
    assert revisions == [0, 1, 2, 3]


def test_a_removed_example_leaves_a_tombstone_until_its_content_returns(store: ExampleStore) -> None:
    stored = store.add(an_example())
    store.remove(stored.id)
    assert store.changes_since(1).gone == ((stored.content_hash, None),)
    store.add(an_example())
    assert store.changes_since(1).gone == ()
    assert store.changes_since(1).current == ((stored.content_hash, None),)


def test_pages_hold_everything_once_newest_first(store: ExampleStore) -> None:
    for number in range(7):
        store.add(an_example(number=number))
    store.import_(an_example("sky", number) for number in range(5))
    seen: list[Example] = []
    cursor = None
    while True:
        page = store.list(limit=3, cursor=cursor)
        seen += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len({example.id for example in seen}) == len(seen) == 12
    assert {example.topic for example in seen[:5]} == {"sky"}
    assert [example.summary[8] for example in seen[5:]] == list("6543210")


def test_a_list_shows_what_the_tenant_may_see(store: ExampleStore) -> None:
    for number, tenant in enumerate([None, "acme", "other"]):
        store.add(an_example(number=number, tenant=tenant))
    seen = {tenant: {example.tenant for example in store.list(tenant=tenant).items} for tenant in (None, "acme", "x")}
    assert seen == {None: {None}, "acme": {None, "acme"}, "x": {None}}
    assert {example.tenant for example in store.export("acme")} == {None, "acme"}
    assert len(store.list(all_tenants=True).items) == store.count() == 3
    assert store.count("acme", all_tenants=False) == 2


def test_a_list_can_be_of_one_topic(store: ExampleStore) -> None:
    store.import_([an_example("sea"), an_example("sky")])
    assert [example.topic for example in store.list(topic="sky").items] == ["sky"]


@pytest.mark.parametrize("cursor", ["", "x", "!!", "é", "AAAA", "LTE6eA", "OTk5OTk5OTk5OTk5OTk5OTk5OTk6eA"])
def test_a_cursor_that_is_none_of_ours_is_refused(store: ExampleStore, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        store.list(cursor=cursor)


def test_threads_that_write_at_once_lose_nothing(store: ExampleStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store.add(an_example(number=number % 40)), range(80)))
    assert store.count() == store.revision() == 40
