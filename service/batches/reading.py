"""A batch's body, as one JSON object or as one article a line: every fault named, nothing kept of a bad batch.

Blocks for as long as 64 MiB of JSON take: call it in a worker thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from domain.errors import InvalidArticle
from service.batches.schemas import BatchRequest
from service.riddles.schemas import ArticleIn

if TYPE_CHECKING:
    from domain.article import Article

MOST_ERRORS: Final = 20
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Sent:
    """What a body asks for."""

    articles: list[Article]
    pipeline: str | None = None
    webhook: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no article. `number` is counted from 1, `field` may be empty."""

    number: int
    field: str
    reason: str

    def as_error(self) -> dict[str, Any]:
        """As one of a problem's errors."""
        loc = ["body", self.number, *([self.field] if self.field else [])]
        return {"loc": loc, "msg": f"line {self.number}: {self.reason}", "type": "value_error"}


def read_batch(body: bytes) -> Sent:
    """A body that is one JSON object.

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
    webhook = asked.webhook.model_dump() if asked.webhook else None
    return Sent([given.to_article() for given in asked.articles], asked.pipeline, webhook)


def read_lines(body: bytes) -> Sent:
    """A body of JSON lines; blank ones are passed over.

    Raises:
        RequestValidationError: Some lines are no articles, or there are none.
    """
    articles: list[Article] = []
    bad: list[BadLine] = []
    for number, line in enumerate(body.removeprefix(_BOM).split(b"\n"), start=1):
        if not line.strip():
            continue
        read = _article(number, line)
        if isinstance(read, BadLine):
            bad.append(read)
            if len(bad) == MOST_ERRORS:
                break
        else:
            articles.append(read)
    if bad:
        raise RequestValidationError([line.as_error() for line in bad])
    if not articles:
        raise RequestValidationError([{"loc": ("body",), "msg": "has no articles", "type": "value_error"}])
    return Sent(articles)


def _article(number: int, line: bytes) -> Article | BadLine:
    try:
        return ArticleIn.model_validate(orjson.loads(line)).to_article()
    except orjson.JSONDecodeError as error:
        return BadLine(number, "", f"is no JSON: {error}")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return BadLine(number, ".".join(str(part) for part in first["loc"]), str(first["msg"]))
    except InvalidArticle as error:
        return BadLine(number, error.field, error.reason)
