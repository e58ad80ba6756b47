"""One page of a list, and the opaque cursor to the next."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Generic, TypeVar

from domain.errors import InvalidInput

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
