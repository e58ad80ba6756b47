"""Keeps riddles that are to become pre-made examples, and afterwards where such an example came from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, select, update

from domain import Example, StepRecord
from service.storage.page import Page, decode_cursor, page_of
from service.storage.promotion_tables import promotions
from service.storage.upsert import insert_into

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Engine, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A riddle on its way to become an example, or one that has become one.

    Args:
        riddle_id: Which riddle; a tenant has one promotion of it at most.
        example_id: Of the example, also before it is one.
        tenant: Whose example it becomes; None is everybody's.
        example: What it is to be; None once it is approved, for then the example store has it.
        pipeline: That made the riddle.
        steps: Prompt, model and examples of each of its steps.
        promoted_by: Id of the key, or `anonymous`.
        promoted_at: In UTC.
        approved_by: Id of the admin's key, or how it was approved without one.
        approved_at: None while it waits.
    """

    riddle_id: str
    example_id: str
    tenant: str | None
    example: Example | None
    pipeline: str
    steps: tuple[StepRecord, ...]
    promoted_by: str
    promoted_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None


class PromotionStore:
    """Promotions in SQL. Methods block: in a coroutine, call them in a thread.

    Args:
        engine: From `open_engine`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def propose(self, promotion: Promotion) -> Promotion:
        """Keep a promotion that waits; of a riddle that has one already, that one is given back as it is."""
        statement = insert_into(promotions, self._engine).values(_row_of(promotion)).on_conflict_do_nothing()
        with self._engine.begin() as connection:
            connection.execute(statement)
            kept = select(promotions).where(_key(promotion.riddle_id, promotion.tenant))
            return _promotion(connection.execute(kept).one())

    def of_riddle(self, riddle_id: str, *, tenant: str | None) -> Promotion | None:
        """A tenant's promotion of a riddle."""
        return self._first(_key(riddle_id, tenant))

    def of_example(self, example_id: str) -> Promotion | None:
        """The promotion that an example came from or is to come from."""
        return self._first(promotions.c.example_id == example_id)

    def of_examples(self, example_ids: Sequence[str]) -> dict[str, Promotion]:
        """The promotions that these examples came from, by example id; others are missing."""
        query = select(promotions).where(promotions.c.example_id.in_(example_ids))
        with self._engine.connect() as connection:
            found = map(_promotion, connection.execute(query))
            return {promotion.example_id: promotion for promotion in found}

    def waiting(self, *, limit: int, cursor: str | None = None, tenant: str | None = None) -> Page[Promotion]:
        """A page of those that wait for approval, the latest first.

        Args:
            limit: At most so many.
            cursor: `next_cursor` of the page before.
            tenant: Only those of this tenant; None is all of them.

        Raises:
            InvalidCursor: The cursor is not one of ours.
        """
        query = select(promotions).where(promotions.c.approved_at.is_(None)).order_by(promotions.c.example_id.desc())
        if tenant is not None:
            query = query.where(promotions.c.tenant == tenant)
        if cursor is not None:
            query = query.where(promotions.c.example_id < decode_cursor(cursor))
        with self._engine.connect() as connection:
            rows = connection.execute(query.limit(limit + 1)).all()
        return page_of(rows, limit, _promotion, key="example_id")

    def approve(self, promotion: Promotion, example_id: str, *, by: str, at: datetime) -> Promotion | None:
        """Note that a promotion became the example of that id, and drop its copy; the first approval counts.

        Returns:
            The promotion as it is now; None when it was rejected meanwhile.
        """
        statement = (
            update(promotions)
            .where(_key(promotion.riddle_id, promotion.tenant), promotions.c.approved_at.is_(None))
            .values(example_id=example_id, content=None, approved_by=by, approved_at=at)
        )
        with self._engine.begin() as connection:
            connection.execute(statement)
        return self.of_riddle(promotion.riddle_id, tenant=promotion.tenant)

    def forget(self, example_id: str) -> bool:
        """Reject what waits, or forget where a removed example came from; whether there was anything."""
        with self._engine.begin() as connection:
            gone = connection.execute(delete(promotions).where(promotions.c.example_id == example_id))
        return gone.rowcount > 0

    def _first(self, condition: Any) -> Promotion | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(promotions).where(condition)).first()
        return None if row is None else _promotion(row)


def _key(riddle_id: str, tenant: str | None) -> ColumnElement[bool]:
    return and_(promotions.c.riddle_id == riddle_id, promotions.c.tenant == (tenant or ""))


def _row_of(promotion: Promotion) -> dict[str, Any]:
    example = promotion.example
    assert example is not None, "what waits for approval has its content"
    return {
        "riddle_id": promotion.riddle_id,
        "example_id": promotion.example_id,
        "tenant": promotion.tenant or "",
        "content": asdict(example),
        "pipeline": promotion.pipeline,
        "steps": [asdict(step) for step in promotion.steps],
        "promoted_by": promotion.promoted_by,
        "promoted_at": promotion.promoted_at,
    }


def _promotion(row: Row[Any]) -> Promotion:
    return Promotion(
        riddle_id=row.riddle_id,
        example_id=row.example_id,
        tenant=row.tenant or None,
        example=None if row.content is None else _example(row.content, row.example_id),
        pipeline=row.pipeline,
        steps=tuple(StepRecord(**{**step, "example_ids": tuple(step["example_ids"])}) for step in row.steps),
        promoted_by=row.promoted_by,
        promoted_at=row.promoted_at,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
    )


def _example(content: dict[str, Any], example_id: str) -> Example:
    return replace(Example(**{**content, "hints": tuple(content["hints"])}), id=example_id)
