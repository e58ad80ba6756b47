"""What promoting and approving do, without HTTP's shapes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from langchain_core.utils.uuid import uuid7

from domain import Example
from domain.errors import InvalidExample, NotFound
from retrievers.rows import check_lengths
from service.errors import PromotionWaits
from service.promotions.approving import approve as approve_promotion
from service.promotions.payload import approved_payload, pending_payload
from service.promotions.waiting import may_see
from service.storage.promotions import Promotion

if TYPE_CHECKING:
    from domain import Riddle
    from service.auth import Caller
    from service.promotions.schemas import PromotionIn
    from service.resources import Resources
    from service.storage.riddles import StoredRiddle


async def promote(resources: Resources, riddle_id: str, given: PromotionIn, caller: Caller) -> dict[str, Any]:
    """Make an example of a riddle, which waits unless an admin asks; the same riddle again gives the same example.

    Raises:
        NotFound: There is no such riddle that the caller may see.
        PromotionWaits: Somebody else's promotion of it waits, which the caller may not see.
        InvalidExample: The gate refuses the text, or a part is missing or too long.
    """
    return await asyncio.to_thread(_promote, resources, riddle_id, given, caller)


async def approve(resources: Resources, example_id: str, caller: Caller) -> dict[str, Any]:
    """Make an example of what waits; approving it again changes nothing.

    Raises:
        NotFound: Nothing of that id waits or was promoted that the caller may decide about.
    """
    return await asyncio.to_thread(_approve, resources, example_id, caller)


def _promote(resources: Resources, riddle_id: str, given: PromotionIn, caller: Caller) -> dict[str, Any]:
    stored = resources.riddles.get(riddle_id, scope=caller.scope)
    earlier = resources.promotions.of_riddle(riddle_id, tenant=stored.tenant or caller.tenant)
    if earlier is not None and _stands(resources, earlier):
        return _shown(resources, _seen(earlier, caller))
    example = _edited(stored, given, caller)
    _check(example)
    kept = _seen(resources.promotions.propose(_promotion(stored, example, caller)), caller)
    is_own = kept.example_id == example.id  # not what somebody proposed at the same moment: the admin has not read that
    if is_own and caller.may("admin"):
        kept = approve_promotion(resources.examples, resources.promotions, kept, by=caller.owner)
    return _shown(resources, kept)


def _approve(resources: Resources, example_id: str, caller: Caller) -> dict[str, Any]:
    promotion = resources.promotions.of_example(example_id)
    if promotion is None or caller.tenant not in (None, promotion.tenant):
        raise NotFound("example that waits for approval", example_id)
    return _shown(resources, approve_promotion(resources.examples, resources.promotions, promotion, by=caller.owner))


def _seen(promotion: Promotion, caller: Caller) -> Promotion:
    """The promotion, where the caller sees it: one that waits is its sender's and the admins', with all its edits.

    Raises:
        PromotionWaits: It is somebody else's.
    """
    if promotion.example is None or may_see(promotion, caller):
        return promotion
    raise PromotionWaits(promotion.riddle_id)


def _stands(resources: Resources, promotion: Promotion) -> bool:
    """Whether a promotion still waits or its example is there; one whose example was removed is forgotten."""
    if promotion.example is not None:
        return True
    try:
        resources.examples.store.get(promotion.example_id)
    except NotFound:
        resources.promotions.forget(promotion.example_id)
        return False
    return True


def _shown(resources: Resources, promotion: Promotion) -> dict[str, Any]:
    if promotion.example is not None:
        return pending_payload(promotion)
    return approved_payload(resources.examples.store.get(promotion.example_id), promotion)


def _edited(stored: StoredRiddle, given: PromotionIn, caller: Caller) -> Example:
    riddle = stored.riddle
    edits = given.model_dump(exclude_none=True, exclude={"hints"})
    hints = riddle.hints if given.hints is None else tuple(given.hints)
    fields = {**_fields(riddle), **edits, "hints": hints}
    return Example(**fields, tenant=stored.tenant or caller.tenant, origin="promoted", id=f"ex_{uuid7().hex}")


def _fields(riddle: Riddle) -> dict[str, str]:
    return {
        "article": riddle.article.text,
        "headline": riddle.article.title or "",
        "summary": riddle.summary or "",
        "answer": riddle.answer or "",
        "riddle": riddle.riddle or "",
    }


def _check(example: Example) -> None:
    """Hold an example against the whole gate: a model learns the faults of what it is shown.

    Raises:
        InvalidExample: With the gate's reasons.
    """
    from chains.gate import ArticleFacts, Gate
    from domain import Article, Draft
    from prompts import GateSpec

    check_lengths(example)
    facts = ArticleFacts(Article(text=example.article, title=example.headline or None))
    draft = Draft(answer=example.answer, riddle=example.riddle, hints=example.hints)
    gate = Gate(GateSpec())
    reasons = gate.summary_reasons(example.summary, article=facts)
    reasons += gate.judge(draft, article=facts, summary=example.summary).reasons
    if reasons:
        raise InvalidExample("text", f"is refused by the gate: {' '.join(dict.fromkeys(reasons))}")


def _promotion(stored: StoredRiddle, example: Example, caller: Caller) -> Promotion:
    return Promotion(
        riddle_id=stored.id,
        example_id=example.id,
        tenant=example.tenant,
        example=replace(example, id=""),
        pipeline=stored.riddle.pipeline,
        steps=stored.riddle.steps,
        promoted_by=caller.owner,
        promoted_at=datetime.now(UTC),
    )
