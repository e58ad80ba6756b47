from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrievers.examples import memory_engine
from retrievers.importing import ImportReport, Rejected
from retrievers.store import ExampleStore
from tests.support.examples import an_example

if TYPE_CHECKING:
    from domain import Example

IDS = ["", "", "ex_a", "ex_b", "ex_c"]
records = st.builds(
    lambda number, example_id, tenant: an_example(number=number, id=example_id, tenant=tenant),
    st.integers(0, 4),
    st.sampled_from(IDS),
    st.sampled_from([None, None, "acme"]),
)


def fresh_store() -> ExampleStore:
    store = ExampleStore(memory_engine())
    store.create_tables()
    return store


@settings(max_examples=60, deadline=None)
@given(before=st.lists(records, max_size=6), batch=st.lists(records, max_size=8))
def test_importing_twice_changes_nothing_the_second_time(before: list[Example], batch: list[Example]) -> None:
    store = fresh_store()
    store.import_(before)
    first = store.import_(batch)
    revision, content = store.revision(), list(store.export(all_tenants=True))

    second = store.import_(batch)

    assert (second.added, second.updated) == (0, 0)
    assert second.unchanged == first.added + first.updated + first.unchanged
    assert second.rejected == first.rejected
    assert store.revision() == revision
    assert list(store.export(all_tenants=True)) == content
    store.engine.dispose()


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(st.lists(records, max_size=6), max_size=4))
def test_changes_told_revision_by_revision_lead_to_the_same_as_all_at_once(batches: list[list[Example]]) -> None:
    store = fresh_store()
    followed: set[str] = set()
    revision = 0
    for batch in batches:
        store.import_(batch)
        changes = store.changes_since(revision)
        followed -= {content_hash for content_hash, _ in changes.gone}
        followed |= {content_hash for content_hash, _ in changes.current}
        revision = changes.revision

    assert followed == {example.content_hash for example in store.export(all_tenants=True)}
    assert followed == {content_hash for content_hash, _ in store.changes_since(0).current}
    store.engine.dispose()


def test_a_known_id_updates_and_keeps_the_id(store: ExampleStore) -> None:
    kept = store.add(an_example())
    report = store.import_([replace(kept, summary="A better summary.")])
    assert (report.added, report.updated) == (0, 1)
    assert store.get(kept.id).summary == "A better summary."


def test_another_tenants_id_is_never_updated(store: ExampleStore) -> None:
    kept = store.add(an_example(tenant="acme"))
    report = store.import_([replace(kept, tenant="other", summary="Mine now.")])
    assert report.added == 1
    assert store.get(kept.id) == kept


def test_an_id_used_twice_in_one_import_is_rejected_with_its_line(store: ExampleStore) -> None:
    report = store.import_([an_example(number=1, id="ex_a"), an_example(number=2, id="ex_a")])
    assert report == ImportReport(added=1, rejected=(Rejected(2, "id 'ex_a' is used by line 1 already"),))


def test_what_is_too_long_is_rejected_with_its_line(store: ExampleStore) -> None:
    report = store.import_([an_example(), an_example(topic="sky", number=2, headline="x" * 1001)])
    assert report.added == 1
    assert report.rejected == (Rejected(2, "example headline is longer than 1000 characters"),)


@pytest.mark.parametrize("count", [0, 1, 1200])
def test_imports_of_any_size_are_complete(store: ExampleStore, count: int) -> None:
    report = store.import_(an_example(number=number) for number in range(count))
    assert report.added == count
    assert store.count() == count
