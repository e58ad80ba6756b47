from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from domain import StepRecord
from domain.errors import NotFound
from retrievers import ExampleStore, open_examples
from service.promotions.approving import approve
from service.storage.promotions import Promotion, PromotionStore
from service.storage.riddles import RiddleRepository
from tests.support.examples import an_example
from tests.support.riddles import a_riddle

if TYPE_CHECKING:
    from sqlalchemy import Engine

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(engine: Engine) -> PromotionStore:
    return PromotionStore(engine)


@pytest.fixture
def examples(engine: Engine) -> ExampleStore:
    return ExampleStore(engine)


@pytest.fixture
def promotion(engine: Engine) -> Promotion:
    return a_promotion(engine)


def a_promotion(engine: Engine, number: int = 0, tenant: str | None = None) -> Promotion:
    riddle = RiddleRepository(engine).save(a_riddle(number))
    return Promotion(
        riddle_id=riddle.id,
        example_id=f"ex_{number:016x}",
        tenant=tenant,
        example=an_example(number=number, origin="promoted", tenant=tenant, id=f"ex_{number:016x}"),
        pipeline="embedded",
        steps=(StepRecord(step="riddle", prompt="riddle@2", model="openai:small", example_ids=("ex_1",)),),
        promoted_by="k1",
        promoted_at=NOW,
    )


def test_what_was_promoted_comes_back_equal(store: PromotionStore, promotion: Promotion) -> None:
    assert store.propose(promotion) == promotion
    assert store.of_riddle(promotion.riddle_id, tenant=None) == promotion
    assert store.of_example(promotion.example_id) == promotion


def test_a_second_promotion_of_a_riddle_changes_nothing(store: PromotionStore, promotion: Promotion) -> None:
    store.propose(promotion)
    other = replace(promotion, example_id="ex_other", example=an_example("sky", origin="promoted"))
    assert store.propose(other) == promotion


def test_tenants_promote_a_shared_riddle_apart(store: PromotionStore, promotion: Promotion) -> None:
    mine = replace(promotion, tenant="a", example_id="ex_a", example=replace(an_example(tenant="a"), id="ex_a"))
    store.propose(promotion)
    assert store.propose(mine) == mine
    assert [one.example_id for one in store.waiting(limit=5, tenant="a").items] == ["ex_a"]
    assert len(store.waiting(limit=5).items) == 2


def test_what_waits_is_no_example(store: PromotionStore, examples: ExampleStore, promotion: Promotion) -> None:
    before = (examples.revision(), examples.count(), examples.changes_since(0))
    store.propose(promotion)
    assert (examples.revision(), examples.count(), examples.changes_since(0)) == before
    assert list(examples.export(all_tenants=True)) == []
    with pytest.raises(NotFound):
        examples.get(promotion.example_id)


def test_an_approval_makes_an_example_that_every_index_hears_of(
    store: PromotionStore, examples: ExampleStore, promotion: Promotion
) -> None:
    assert promotion.example is not None
    before = examples.revision()
    approved = approve(examples, store, store.propose(promotion), by="k2")
    assert examples.get(promotion.example_id) == promotion.example
    assert examples.changes_since(before).current == ((promotion.example.content_hash, None),)
    assert (approved.example, approved.approved_by) == (None, "k2")
    assert approved.approved_at is not None
    assert approved.steps == promotion.steps
    assert store.waiting(limit=5).items == ()


def test_an_approval_reaches_the_index_of_every_process_and_no_index_before(
    store: PromotionStore, engine: Engine, promotion: Promotion
) -> None:
    assert promotion.example is not None
    story = promotion.example.article
    with open_examples(engine=engine, seed=False) as one, open_examples(engine=engine, seed=False) as other:
        kept = store.propose(promotion)
        assert [one.search(story), other.search(story), one.index.count(), other.index.count()] == [[], [], 0, 0]
        approve(one, store, kept, by="k2")
        for process in (one, other):
            assert [found.example.id for found in process.search(story)] == [promotion.example_id]


def test_approving_again_changes_nothing(store: PromotionStore, examples: ExampleStore, promotion: Promotion) -> None:
    kept = store.propose(promotion)
    approved = approve(examples, store, kept, by="k2")
    revision = examples.revision()
    assert approve(examples, store, kept, by="k3") == approved
    assert approve(examples, store, approved, by="k3") == approved
    assert examples.revision() == revision


def test_an_approval_that_broke_off_is_completed(
    store: PromotionStore, examples: ExampleStore, promotion: Promotion
) -> None:
    kept = store.propose(promotion)
    assert kept.example is not None
    examples.import_([kept.example])  # and here the process died
    assert approve(examples, store, kept, by="k2").example_id == promotion.example_id
    assert examples.count() == 1


def test_content_that_is_an_example_already_is_not_made_twice(
    store: PromotionStore, examples: ExampleStore, promotion: Promotion
) -> None:
    assert promotion.example is not None
    there = examples.add(promotion.example)
    assert approve(examples, store, store.propose(promotion), by="k2").example_id == there.id
    assert examples.count() == 1


def test_what_was_rejected_cannot_be_approved(
    store: PromotionStore, examples: ExampleStore, promotion: Promotion
) -> None:
    kept = store.propose(promotion)
    assert store.forget(promotion.example_id)
    assert not store.forget(promotion.example_id)
    with pytest.raises(NotFound):
        approve(examples, store, kept, by="k2")
    assert examples.count() == 0


def test_pages_of_what_waits_cover_it_all(store: PromotionStore, engine: Engine) -> None:
    made = [store.propose(a_promotion(engine, number)).example_id for number in range(5)]
    first = store.waiting(limit=3)
    second = store.waiting(limit=3, cursor=first.next_cursor)
    assert [one.example_id for one in (*first.items, *second.items)] == made[::-1]
    assert second.next_cursor is None
    assert set(store.of_examples(made[:2])) == set(made[:2])
