"""The order of training samples."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")

from finetuning.batching import LengthBuckets
from finetuning.settings import TrainingSettings
from finetuning.training import train
from tests.finetuning.tiny import task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.local


@given(st.lists(st.integers(1, 500), min_size=1, max_size=120), st.integers(1, 9), st.integers(0, 3))
def test_every_sample_comes_once_an_epoch(lengths: list[int], size: int, epoch: int) -> None:
    order = LengthBuckets(lengths, size, seed=1)
    order.set_epoch(epoch)
    assert sorted(order) == list(range(len(lengths)))
    assert len(order) == len(lengths)


def test_batches_are_alike_in_length_and_come_in_no_order() -> None:
    numbers = random.Random(1)
    lengths = [numbers.randint(10, 500) for _ in range(400)]
    places = list(LengthBuckets(lengths, 4, seed=1))
    batches = [[lengths[place] for place in places[at : at + 4]] for at in range(0, 400, 4)]
    padded = sum(4 * max(batch) for batch in batches)
    assert padded < 1.05 * sum(lengths)
    longest = [max(batch) for batch in batches]
    halves = sum(longest[:50]) / sum(longest)
    assert 0.4 < halves < 0.6
    assert longest != sorted(longest)
    assert longest != sorted(longest, reverse=True)


def test_the_order_is_made_of_seed_and_epoch_alone() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        made = LengthBuckets(list(range(1, 101)), 4, seed=seed)
        made.set_epoch(epoch)
        return list(made)

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


@pytest.mark.parametrize(("batch", "micro", "expected"), [(8, 4, 4), (6, 4, 3), (2, 4, 2), (7, 4, 1), (8, 8, 8)])
def test_an_update_has_exactly_as_many_samples_as_were_asked_for(batch: int, micro: int, expected: int) -> None:
    assert TrainingSettings(batch_size=batch, micro_batch_size=micro).computed_at_once == expected


def test_each_epoch_of_a_run_has_an_order_of_its_own(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[list[int]] = []
    places = LengthBuckets.__iter__

    def noted(self: LengthBuckets) -> Iterator[int]:
        orders.append(list(places(self)))
        yield from orders[-1]

    monkeypatch.setattr(LengthBuckets, "__iter__", noted)
    settings = TrainingSettings(rank=2, epochs=2, precision="fp32", threads=1)
    train(task(), base=str(tiny), folder=tmp_path, cache=tmp_path / "cache", settings=settings)
    assert [sorted(order) for order in orders] == [list(range(24))] * 2
    assert orders[0] != orders[1]
