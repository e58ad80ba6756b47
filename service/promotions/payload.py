"""Examples as JSON, with whether they are approved and where they came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.examples.schemas import example_payload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain import Example
    from service.storage.promotions import Promotion, PromotionStore


def approved_payload(example: Example, promotion: Promotion | None) -> dict[str, Any]:
    """An example that is retrieved and trained on; only promoted ones have a provenance."""
    return {**example_payload(example), "status": "approved", "provenance": promotion and _provenance(promotion)}


def pending_payload(promotion: Promotion) -> dict[str, Any]:
    """An example that waits for approval."""
    assert promotion.example is not None, "what waits for approval has its content"
    return {**example_payload(promotion.example), "status": "pending", "provenance": _provenance(promotion)}


def approved_payloads(examples: Sequence[Example], promotions: PromotionStore) -> list[dict[str, Any]]:
    """The same for many; asks the database only when one of them was promoted. Blocks."""
    promoted = [example.id for example in examples if example.origin == "promoted"]
    found = promotions.of_examples(promoted) if promoted else {}
    return [approved_payload(example, found.get(example.id)) for example in examples]


def _provenance(promotion: Promotion) -> dict[str, Any]:
    steps = [
        {
            "step": step.step,
            "prompt": step.prompt,
            "model": step.model,
            "example_ids": list(step.example_ids),
            "cached": step.cached,
        }
        for step in promotion.steps
    ]
    return {
        "riddle_id": promotion.riddle_id,
        "pipeline": promotion.pipeline,
        "steps": steps,
        "promoted_by": promotion.promoted_by,
        "promoted_at": promotion.promoted_at,
        "approved_by": promotion.approved_by,
        "approved_at": promotion.approved_at,
    }
