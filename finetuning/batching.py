"""The order of training samples: samples of like length together, the batches in no order at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BATCHES_SORTED_TOGETHER: Final = 25


class LengthBuckets:
    """Gives the places of all samples once an epoch, so that each consecutive batch has samples of like length.

    Samples are shuffled, sorted by length within a few batches' worth of them, cut into batches, and the batches are
    shuffled. Sorting without the second shuffle, as the Trainer's own `group_by_length` does, gives all long samples
    before all short ones: dozens of updates for one step of the chain, then dozens for the other.

    Args:
        lengths: Of the samples, in tokens.
        batch_size: Samples computed at once.
        seed: The order is made of it and the epoch alone, so a run that goes on repeats no sample.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self._lengths = lengths
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the Trainer before an epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        import torch

        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self._epoch)

        def shuffled(count: int) -> list[int]:
            order: list[int] = torch.randperm(count, generator=generator).tolist()
            return order

        order, size = shuffled(len(self)), self._batch_size
        width = size * _BATCHES_SORTED_TOGETHER
        chunks = [sorted(order[at : at + width], key=self._lengths.__getitem__) for at in range(0, len(order), width)]
        grouped = [place for chunk in chunks for place in chunk]
        whole = len(grouped) // size
        for batch in shuffled(whole):
            yield from grouped[batch * size : (batch + 1) * size]
        yield from grouped[whole * size :]  # fewer than a batch; at the end, so that no other batch is cut in two
