"""Commands of `riddlewire examples` about promoted riddles: see what waits, approve it, reject it."""

from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import NotFound
from service.cli.options import AsJson, settings_of
from service.cli.terminal import note, print_json, print_table, say

if TYPE_CHECKING:
    from service.storage.promotions import Promotion, PromotionStore

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="See `riddlewire examples pending`.")]

BY = "command line"
"""Who approves where no key does."""

_PAGE = 200


def pending(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the promoted riddles that wait for approval: they are neither retrieved nor trained on.

    Example: `riddlewire examples pending --json`
    """
    from service.cli.database import opened_engine
    from service.promotions.payload import pending_payload
    from service.storage.promotions import PromotionStore

    with opened_engine(settings_of(ctx)) as engine:
        waiting = _all_waiting(PromotionStore(engine))
    if as_json:
        print_json([pending_payload(promotion) for promotion in waiting])
        return
    for promotion in waiting:
        _show(promotion)
    note(f"{len(waiting)} wait. 'riddlewire examples approve ID' or 'riddlewire examples reject ID' decides.")


def approve(ctx: typer.Context, ids: Ids) -> None:
    """Make examples of what waits: the next riddle may show them, in every process.

    Example: `riddlewire examples approve ex_00ff00ff00ff00ff`
    """
    from retrievers.shipped import seed
    from retrievers.store import ExampleStore
    from service.cli.database import opened_engine
    from service.promotions.approving import approve as approve_promotion
    from service.storage.promotions import PromotionStore

    with opened_engine(settings_of(ctx)) as engine:
        promotions, examples = PromotionStore(engine), ExampleStore(engine)
        seed(examples)
        for example_id in ids:
            promotion = promotions.of_example(example_id) or _waiting(promotions, example_id)
            approved = approve_promotion(examples, promotions, promotion, by=BY)
            note(f"{approved.example_id} is an example.")


def reject(ctx: typer.Context, ids: Ids) -> None:
    """Reject what waits; the riddles stay, and can be promoted again.

    Example: `riddlewire examples reject ex_00ff00ff00ff00ff`
    """
    from service.cli.database import opened_engine
    from service.storage.promotions import PromotionStore

    with opened_engine(settings_of(ctx)) as engine:
        promotions = PromotionStore(engine)
        for example_id in ids:
            promotions.forget(_waiting(promotions, example_id).example_id)
            note(f"{example_id} is rejected.")


def _waiting(promotions: "PromotionStore", example_id: str) -> "Promotion":
    promotion = promotions.of_example(example_id)
    if promotion is None or promotion.example is None:
        raise NotFound("example that waits for approval", example_id)
    return promotion


def _all_waiting(promotions: "PromotionStore") -> "list[Promotion]":
    found: list[Promotion] = []
    cursor: str | None = None
    while True:
        page = promotions.waiting(limit=_PAGE, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


def _show(promotion: "Promotion") -> None:
    """All that a person needs to decide."""
    example = promotion.example
    assert example is not None, "what waits for approval has its content"
    print_table(("id", "riddle", "pipeline", "by"), [_row(promotion)])
    say(f"  Headline: {example.headline}\n  Summary: {example.summary}\n  Answer: {example.answer}")
    say("\n".join(f"    {line}" for line in example.riddle.splitlines()))
    say("\n".join(f"  Hint: {hint}" for hint in example.hints))


def _row(promotion: "Promotion") -> tuple[str, str, str, str]:
    return promotion.example_id, promotion.riddle_id, promotion.pipeline, promotion.promoted_by
