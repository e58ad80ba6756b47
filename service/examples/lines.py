"""JSON lines as they arrive in pieces: split and parsed one by one, so that no import is held in memory as a whole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from domain.errors import InvalidExample
from retrievers.importing import Rejected
from retrievers.jsonl import MAX_LINE_BYTES, parse_example

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

    from domain.example import Example

_BOM = b"\xef\xbb\xbf"
_LONGEST_REASON = 300


async def lines_of(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The lines of a body. Of one that is too long no more is kept than shows that it is."""
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line
        rest = rest[: MAX_LINE_BYTES + 1]
    if rest:
        yield rest


def read_line(number: int, line: bytes, *, tenant: str | None) -> tuple[int, Example] | Rejected | None:
    """The example of a line with its number, or why there is none; None for a blank line.

    Args:
        number: Counted from 1.
        line: One JSON object.
        tenant: Whose it becomes, whatever the line says.
    """
    text = line.removeprefix(_BOM).strip()
    if not text:
        return None
    if len(text) > MAX_LINE_BYTES:
        return Rejected(number, f"line is longer than {MAX_LINE_BYTES:,} bytes")
    try:
        return number, replace(parse_example(text), tenant=tenant)
    except InvalidExample as error:
        return Rejected(number, str(error)[:_LONGEST_REASON])
