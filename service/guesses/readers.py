"""Who guesses: a key may stand for one reader or, as a news app's does, for many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.article import content_hash

if TYPE_CHECKING:
    from service.auth import Caller


def reader_hash(caller: Caller, reader: str | None) -> str:
    """What a reader is kept as: 64 hex digits of a hash over the key's id and the caller's own name for the reader.

    Names that callers give are never kept, and readers of different keys never meet.

    Args:
        caller: Who sent the request.
        reader: The caller's name for the reader; None is the caller.
    """
    return content_hash("reader", caller.owner, "" if reader is None else f"={reader}")
