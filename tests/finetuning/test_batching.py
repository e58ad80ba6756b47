"""The order of training samples."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")

from finetuning.batching import LengthBuckets

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
