"""How a riddle and its article stand in their rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from domain import Article, Check, Riddle, StepRecord, Timings, Usage
from domain.storable import storable
from service.storage.tables import articles, riddles

if TYPE_CHECKING:
    from sqlalchemy.engine import Row


RIDDLE_AND_ARTICLE = (
    riddles,
    articles.c.title,
    articles.c.text,
    articles.c.url,
    articles.c.published_at,
    articles.c.language,
)
"""What `stored_riddle` reads of a joined row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRiddle:
    """A riddle as it stands in the database.

    Args:
        id: `rid_` and a UUIDv7 in hex; later riddles sort after earlier ones.
        created_at: When it was made, in UTC.
        key_id: Of the API key that asked for it; None without keys.
        tenant: Of that key.
    """

    id: str
    created_at: datetime
    riddle: Riddle
    key_id: str | None = None
    tenant: str | None = None

    @property
    def day(self) -> str:
        """The UTC date it belongs to, as YYYY-MM-DD."""
        return self.created_at.date().isoformat()


def storable_riddle(riddle: Riddle) -> Riddle:
    """The riddle with what the model wrote made fit for both databases; nearly always itself, unchanged."""
    texts = (riddle.summary or "", riddle.riddle or "", riddle.answer or "", *riddle.hints)
    if all(map(_is_plain, texts)) and all(_is_plain(check.detail) for check in riddle.checks):
        return riddle
    return replace(
        riddle,
        summary=_clean(riddle.summary),
        riddle=_clean(riddle.riddle),
        answer=_clean(riddle.answer),
        hints=tuple(map(storable, riddle.hints)),
        checks=tuple(replace(check, detail=storable(check.detail)) for check in riddle.checks),
    )


def _is_plain(text: str) -> bool:
    return storable(text) == text


def _clean(text: str | None) -> str | None:
    return None if text is None else storable(text)


def article_row(article: Article, now: datetime) -> dict[str, Any]:
    """The row of an article that was first seen now."""
    return {
        "id": article.id,
        "created_at": now,
        "title": article.title,
        "text": article.text,
        "url": article.url,
        "source": article.source,
        "published_at": article.published_at.isoformat() if article.published_at else None,
        "language": article.language,
    }


def riddle_row(stored: StoredRiddle, article_id: str) -> dict[str, Any]:
    """The row of a riddle."""
    riddle = stored.riddle
    return {
        "id": stored.id,
        "created_at": stored.created_at,
        "day": stored.day,
        "key_id": stored.key_id,
        "tenant": stored.tenant,
        "status": riddle.status,
        "pipeline": riddle.pipeline,
        "article_id": article_id,
        "source": riddle.article.source,
        "summary": riddle.summary,
        "riddle": riddle.riddle,
        "answer": riddle.answer,
        "hints": riddle.hints,
        "steps": riddle.steps,
        "checks": riddle.checks,
        "attempts": riddle.attempts,
        "usage": riddle.usage,
        "timings_ms": riddle.timings_ms,
    }


def stored_riddle(row: Row[Any]) -> StoredRiddle:
    """A riddle read back, from its row joined with its article's."""
    values = row._mapping  # noqa: SLF001 -- SQLAlchemy's documented name
    return StoredRiddle(
        id=values["id"],
        created_at=values["created_at"],
        key_id=values["key_id"],
        tenant=values["tenant"],
        riddle=_riddle(values),
    )


def _riddle(values: Any) -> Riddle:
    return Riddle(
        article=article_of(values),
        status=values["status"],
        pipeline=values["pipeline"],
        summary=values["summary"],
        riddle=values["riddle"],
        answer=values["answer"],
        hints=tuple(values["hints"]),
        steps=tuple(_step(step) for step in values["steps"]),
        checks=tuple(Check(**check) for check in values["checks"]),
        attempts=values["attempts"],
        usage=Usage(**values["usage"]),
        timings_ms=Timings(**values["timings_ms"]),
    )


def article_of(values: Any) -> Article:
    """An article read back from its columns."""
    published = values["published_at"]
    return Article(
        text=values["text"],
        title=values["title"],
        url=values["url"],
        source=values["source"],
        published_at=datetime.fromisoformat(published) if published else None,
        language=values["language"],
    )


def _step(values: dict[str, Any]) -> StepRecord:
    return StepRecord(**{**values, "example_ids": tuple(values["example_ids"])})
