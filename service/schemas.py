"""Building blocks of all request and answer schemas: strict bodies, clean text, pages."""

from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from domain.article import has_visible_text

T = TypeVar("T")

_EARLIEST_YEAR = 1000
_LATEST_YEAR = 9000


class Body(BaseModel):
    """What callers send: unknown fields are refused, so that a typo is never silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """What callers get. Describes answers in the OpenAPI document; the answers themselves are built as plain dicts."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Page(Answer, Generic[T]):
    """One page of a list, and where the next one starts."""

    items: list[T]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null on the last one.")


class ProblemError(BaseModel):
    """One thing that is not valid."""

    loc: list[str | int]
    msg: str
    type: str


class ProblemOut(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = Field(description="The request id.")
    errors: list[ProblemError] = Field(default=[], description="For a request that is not valid: what and where.")


def _no_nul(text: str) -> str:
    if "\x00" in text:
        message = "contains NUL bytes"
        raise ValueError(message)
    return text


def _visible(text: str) -> str:
    if not has_visible_text(text):
        message = "is blank"
        raise ValueError(message)
    return text


def _none_when_blank(value: object) -> object:
    return None if isinstance(value, str) and not has_visible_text(value) else value


def _http_url(url: str) -> str:
    if not url.lower().startswith(("http://", "https://")) or any(char.isspace() for char in url):
        message = "is no http(s) URL"
        raise ValueError(message)
    return url


def _only_text(value: object) -> object:
    if not isinstance(value, str | datetime):
        message = "is no RFC 3339 timestamp"
        raise ValueError(message)  # noqa: TRY004 -- pydantic reports ValueError, not TypeError
    return value


def _plausible(moment: datetime) -> datetime:
    if not _EARLIEST_YEAR <= moment.year <= _LATEST_YEAR:
        message = "is no plausible date"
        raise ValueError(message)
    return moment


CleanText = Annotated[str, AfterValidator(_no_nul)]
"""Any text without NUL."""

VisibleText = Annotated[str, Field(min_length=1), AfterValidator(_no_nul), AfterValidator(_visible)]
"""Text that has something to see in it."""

BlankIsNone = BeforeValidator(_none_when_blank, json_schema_input_type=str | None)
"""For optional texts: blank text is no text."""

HttpUrl = Annotated[str, Field(max_length=2048, json_schema_extra={"format": "uri"}), AfterValidator(_http_url)]
"""Kept as it was sent; only http and https, for readers will follow it."""

Timestamp = Annotated[AwareDatetime, BeforeValidator(_only_text), AfterValidator(_plausible)]
"""RFC 3339 with a time zone."""

Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_no_nul)]
"""The name of a pipeline, prompt or model."""

Limit = Annotated[int, Field(ge=1, le=100, description="How many items at most.")]
Cursor = Annotated[CleanText, Field(max_length=500, description="`next_cursor` of the page before.")]
