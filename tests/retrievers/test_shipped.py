from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from retrievers.importing import ImportReport
from retrievers.shipped import read_shipped, seed
from tests.support.examples import an_example

if TYPE_CHECKING:
    from domain import Example
    from retrievers.store import ExampleStore


def release(*numbers: int, **fields: str) -> list[Example]:
    """A release of the package that ships these examples."""
    return [an_example(number=number, **{"origin": "shipped", **fields}) for number in numbers]


def content(store: ExampleStore) -> set[str]:
    return {example.content_hash for example in store.export()}


def test_480_examples_ship_with_24_topics_of_20() -> None:
    shipped = read_shipped()
    topics = [example.topic for example in shipped]
    assert len(shipped) == len({example.headline for example in shipped}) == 480
    assert {topics.count(topic) for topic in topics} == {20}
    assert {example.origin for example in shipped} == {"shipped"}


def test_seeding_again_changes_nothing(store: ExampleStore) -> None:
    assert seed(store) == ImportReport(added=480)
    revision = store.revision()
    assert seed(store) == ImportReport(unchanged=480)
    assert (store.revision(), store.count()) == (revision, 480)


def test_a_removed_example_does_not_come_back_even_when_it_changes(store: ExampleStore) -> None:
    seed(store, release(1, 2))
    store.remove(next(e.id for e in store.export() if e.headline == "Headline 1 about the sea"))
    seed(store, release(1, 2))
    assert store.count() == 1
    seed(store, [*release(1, summary="Better."), *release(2)])
    assert store.count() == 1


def test_an_edited_example_stays_as_edited(store: ExampleStore) -> None:
    seed(store, release(1))
    shipped = next(store.export())
    edited = store.update(shipped.id, replace(shipped, riddle="My own\nwords."))
    seed(store, release(1, summary="Better."))
    assert list(store.export()) == [edited]


def test_an_untouched_example_follows_the_release_under_its_id(store: ExampleStore) -> None:
    seed(store, release(1))
    before = next(store.export())
    assert seed(store, release(1, summary="Better.")) == ImportReport(updated=1)
    assert list(store.export()) == [replace(before, summary="Better.")]
    assert store.changes_since(1).gone == ((before.content_hash, None),)


def test_a_withdrawn_example_goes_unless_it_was_edited(store: ExampleStore) -> None:
    seed(store, release(1, 2))
    edited = next(e for e in store.export() if e.headline == "Headline 1 about the sea")
    store.update(edited.id, replace(edited, summary="Mine."))
    seed(store, release(3))
    assert {example.summary for example in store.export()} == {"Mine.", "Summary 3 of a story about the sea."}


def test_what_the_user_already_has_is_not_doubled(store: ExampleStore) -> None:
    kept = store.add(an_example(number=1))
    seed(store, release(1))
    assert list(store.export()) == [kept]


def test_the_users_own_examples_are_left_alone(store: ExampleStore) -> None:
    store.add(an_example(number=9))
    seed(store, release(1, 2))
    seed(store, release(2))
    assert content(store) == {an_example(number=number).content_hash for number in (9, 2)}
