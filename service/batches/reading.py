"""A batch's body, as one JSON object or as one article a line: every fault named, nothing kept of a bad batch.

Blocks for as long as 64 MiB of JSON take: call it in a worker thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from domain.errors import InvalidArticle, InvalidInput
from service.batches.schemas import BatchRequest
from service.riddles.schemas import ArticleIn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.article import Article
    from service.webhooks.schemas import WebhookIn

MOST_ERRORS: Final = 20
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Sent:
    """What a body asks for."""

    articles: list[Article]
    pipeline: str | None = None
    webhook: WebhookIn | None = None


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no article. `number` is counted from 1, `field` may be empty."""

    number: int
    field: str
    reason: str

    @property
    def told(self) -> str:
        """Field and reason."""
        return f"{self.field}: {self.reason}" if self.field else self.reason

    def as_error(self) -> dict[str, Any]:
        """As one of a problem's errors."""
        loc = ["body", self.number, *([self.field] if self.field else [])]
        return {"loc": loc, "msg": f"line {self.number}: {self.reason}", "type": "value_error"}


class InvalidLines(InvalidInput):
    """JSON lines of which some are no articles, or of which there are none."""

    noun = "articles"

    def __init__(self, lines: Sequence[BadLine]) -> None:
        self.lines = tuple(lines)
        super().__init__("cannot be used:", "; ".join(f"line {bad.number} {bad.told}" for bad in lines[:3]))


def read_batch(body: bytes, *, most_bytes: int) -> Sent:
    """A body that is one JSON object.

    Args:
        body: As it came.
        most_bytes: Of one article's text in UTF-8.

    Raises:
        RequestValidationError: It is none, or not one of a batch.
        InvalidArticle: As `Article` does.
    """
    try:
        asked = BatchRequest.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise RequestValidationError(
            [{"loc": ("body",), "msg": f"is no JSON: {error}", "type": "json_invalid"}]
        ) from None
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in found]) from None
    if too_large := [
        {"loc": ("body", "articles", index, "text"), "msg": told, "type": "too_long"}
        for index, given in enumerate(asked.articles)
        if (told := _too_large(given.text, most_bytes))
    ]:
        raise RequestValidationError(too_large)
    return Sent([given.to_article() for given in asked.articles], asked.pipeline, asked.webhook)


def read_lines(body: bytes, *, most_bytes: int) -> Sent:
    """A body of JSON lines.

    Args:
        body: As it came.
        most_bytes: Of one article's text in UTF-8.

    Raises:
        RequestValidationError: Some lines are no articles, or there are none.
    """
    try:
        return Sent(articles_of_lines(body, most_bytes=most_bytes))
    except InvalidLines as error:
        raise RequestValidationError([line.as_error() for line in error.lines]) from None


def one_pipeline(body: str | None, query: str | None) -> str | None:
    """The pipeline that a request names, be it in its body, its URL, or both.

    Raises:
        RequestValidationError: It names two.
    """
    if body is not None and query is not None and body != query:
        told = f"is {query!r}, and the body names {body!r}: name one of them"
        raise RequestValidationError([{"loc": ("query", "pipeline"), "msg": told, "type": "value_error"}])
    return body or query


def articles_of_lines(body: bytes, *, most_bytes: int) -> list[Article]:
    """The articles of JSON lines; blank ones are passed over.

    Args:
        body: The lines.
        most_bytes: Of one article's text in UTF-8.

    Raises:
        InvalidLines: Some lines are no articles, or there are none.
    """
    articles: list[Article] = []
    bad: list[BadLine] = []
    for number, line in enumerate(body.removeprefix(_BOM).split(b"\n"), start=1):
        if not line.strip():
            continue
        read = _article(number, line, most_bytes)
        if isinstance(read, BadLine):
            bad.append(read)
            if len(bad) == MOST_ERRORS:
                break
        else:
            articles.append(read)
    if bad or not articles:
        raise InvalidLines(bad or [BadLine(1, "", "has no article, and no other line has")])
    return articles


def _article(number: int, line: bytes, most_bytes: int) -> Article | BadLine:
    try:
        given = ArticleIn.model_validate(orjson.loads(line))
        if told := _too_large(given.text, most_bytes):
            return BadLine(number, "text", told)
        return given.to_article()
    except orjson.JSONDecodeError as error:
        return BadLine(number, "", f"is no JSON: {error}")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return BadLine(number, ".".join(str(part) for part in first["loc"]), str(first["msg"]))
    except InvalidArticle as error:
        return BadLine(number, error.field, error.reason)


def _too_large(text: str, most_bytes: int) -> str | None:
    """What is told of a text that no single request could bring; None for one that is small enough."""
    size = len(text.encode())
    return f"has {size:,} bytes, and an article may have {most_bytes:,}" if size > most_bytes else None
