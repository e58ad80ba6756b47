"""One page of a list, and the opaque cursor to the next."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.engine import Row

T = TypeVar("T")


class InvalidCursor(InvalidInput):
    """A cursor this service did not give out."""

    noun = "parameter"

    def __init__(self) -> None:
        super().__init__("cursor", "is not one this service gave out: take it from next_cursor as it is")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list.

    Args:
        items: In the list's order.
        next_cursor: Asks for the items after these; None at the end.
    """

    items: tuple[T, ...]
    next_cursor: str | None = None


def page_of(rows: Sequence[Row[Any]], limit: int, read: Callable[[Row[Any]], T], *, key: str = "id") -> Page[T]:
    """The page that a query's rows make.

    Args:
        rows: In the list's order; the query asked for one more than the limit, to know whether there are more.
        limit: Items of a page.
        read: Makes an item of a row.
        key: The column that the list is ordered by.
    """
    cursor = encode_cursor(getattr(rows[limit - 1], key)) if len(rows) > limit else None
    return Page(tuple(read(row) for row in rows[:limit]), cursor)


def encode_cursor(position: str) -> str:
    """Make the cursor that stands for a position (an id)."""
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """Read the position out of a cursor.

    Raises:
        InvalidCursor: It is not one of ours.
    """
    try:
        position = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return position.decode("ascii")
    except (UnicodeError, binascii.Error):
        raise InvalidCursor from None
