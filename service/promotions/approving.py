"""From a promotion that waits to an example that every process retrieves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from domain.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain import Example
    from service.storage.promotions import Promotion, PromotionStore


class TakesExamples(Protocol):
    """`Examples`, which keeps its index up to date, or an `ExampleStore`, whose indexes follow by themselves."""

    def import_(self, records: Iterable[Example], /) -> Any:
        """Add what is new."""

    def add(self, example: Example) -> Example:
        """Add one, or give back the one of that content."""

    def remove(self, example_id: str) -> None:
        """Take one out."""


def approve(examples: TakesExamples, promotions: PromotionStore, promotion: Promotion, *, by: str) -> Promotion:
    """Make an example of what waits. What is approved already is left as it is.

    The example is written first and the approval noted afterwards, and writing it again changes nothing: whatever
    breaks in between, approving again completes it.

    Args:
        examples: Where it goes.
        promotions: Where it waits.
        promotion: What waits.
        by: Who approves.

    Raises:
        NotFound: It was rejected in the meantime.
    """
    if promotion.example is None:
        return promotion
    examples.import_([promotion.example])
    kept = examples.add(promotion.example)  # under this id, or the one that the same content has had before
    approved = promotions.approve(promotion, kept.id, by=by, at=datetime.now(UTC))
    if approved is None:
        if kept.id == promotion.example_id:
            examples.remove(kept.id)
        raise NotFound("example that waits for approval", promotion.example_id)
    return approved
