"""Opaque cursors of lists that are sorted by two columns."""

from __future__ import annotations

import base64
import binascii

from domain.errors import InvalidInput


def encode_cursor(position: int, row_id: str) -> str:
    """Where a page ended, as text that callers only hand back."""
    return base64.urlsafe_b64encode(f"{position}:{row_id}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[int, str]:
    """What `encode_cursor` was given.

    Raises:
        InvalidInput: The text is none of our cursors.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        position, _, row_id = base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition(":")
        number = int(position)
    except (binascii.Error, ValueError):
        raise InvalidInput("cursor", "is none that a list gave out; start again without it") from None
    if not 0 <= number < 2**63 or "\x00" in row_id:
        raise InvalidInput("cursor", "is none that a list gave out; start again without it")
    return number, row_id
