"""What a pipeline accepts: an Article, its fields as a dict, or just its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain import Article
from domain.errors import InvalidArticle

if TYPE_CHECKING:
    from collections.abc import Mapping

ArticleInput = "Article | Mapping[str, Any] | str"

_FIELDS = frozenset(Article.__dataclass_fields__)


def as_article(value: Article | Mapping[str, Any] | str) -> Article:
    """Turn what a caller passed into an Article.

    Raises:
        InvalidArticle: A field is unknown, or the article cannot be used.
    """
    if isinstance(value, Article):
        return value
    if isinstance(value, str):
        return Article(text=value)
    unknown = sorted(set(value) - _FIELDS)
    if unknown:
        raise InvalidArticle(unknown[0], f"is no field of an article; fields are: {', '.join(sorted(_FIELDS))}")
    if "text" not in value:
        raise InvalidArticle("text", "is missing")
    return Article(**value)
