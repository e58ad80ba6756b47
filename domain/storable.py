"""Text that every database can keep."""

from __future__ import annotations

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """Text as both databases can keep it: models may write NUL or half a surrogate pair, PostgreSQL takes neither."""
    return _UNSTORABLE.sub("\ufffd", text)
