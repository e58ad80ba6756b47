"""Examples as JSON lines: what `export` writes and `import` reads, with the line number of whatever is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO, get_args

import orjson

from domain.errors import InvalidExample
from domain.example import Example, Origin
from retrievers.importing import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_LINE_BYTES = 1_000_000
"""A longer line is refused without being kept in memory."""

_REQUIRED = ("article", "summary", "answer", "riddle")
_TEXTS = (*_REQUIRED, "headline", "topic", "id")
_KNOWN = {*_TEXTS, "hints", "tenant", "origin"}
_PASSED_OVER = {"status", "provenance"}
"""What the HTTP API tells of an example beside itself: an answer of it can be edited and imported."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_examples(
    stream: BinaryIO, *, tenant: str | None = None, origin: Origin = "imported"
) -> Iterator[tuple[int, Example] | Rejected]:
    """Examples with their line numbers, and what was refused; empty lines are skipped.

    Args:
        stream: JSON lines in UTF-8, with or without a byte order mark.
        tenant: Whose they become; None keeps what each line says.
        origin: Where they are said to come from, whatever a line says.
    """
    for number, line in enumerate(_lines(stream), 1):
        if line is None:
            yield Rejected(number, f"line is longer than {MAX_LINE_BYTES:,} bytes")
        elif line.strip():
            try:
                yield number, parse_example(line, tenant=tenant, origin=origin)
            except InvalidExample as error:
                yield Rejected(number, str(error))


def parse_example(line: bytes, *, tenant: str | None = None, origin: Origin = "imported") -> Example:
    """One JSON object as an example.

    Raises:
        InvalidExample: Names the field and what is wrong with it.
    """
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InvalidExample("line", f"is not JSON: {error}") from None
    if not isinstance(record, dict):
        raise InvalidExample("line", "is not a JSON object")
    _check_fields(record)
    texts = {name: record[name] for name in _TEXTS if name in record}
    return Example(**texts, hints=tuple(record.get("hints", ())), tenant=tenant or record.get("tenant"), origin=origin)


def write_example(example: Example) -> bytes:
    """One line, newline included, that `parse_example` reads back."""
    record: dict[str, Any] = {"id": example.id, "topic": example.topic, "headline": example.headline}
    record |= {name: getattr(example, name) for name in _REQUIRED}
    record |= {"hints": example.hints, "tenant": example.tenant, "origin": example.origin}
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def _check_fields(record: dict[str, Any]) -> None:
    if unknown := sorted(record.keys() - _KNOWN - _PASSED_OVER):
        raise InvalidExample(repr(unknown[0]), f"is no field of an example; these are: {', '.join(sorted(_KNOWN))}")
    for name in _REQUIRED:
        if name not in record:
            raise InvalidExample(name, "is missing")
    for name in _TEXTS:
        if not isinstance(record.get(name, ""), str):
            raise InvalidExample(name, "is not a string")
    hints = record.get("hints", [])
    if not isinstance(hints, list) or not all(isinstance(hint, str) for hint in hints):
        raise InvalidExample("hints", "is not a list of strings")
    if not isinstance(record.get("tenant"), str | None):
        raise InvalidExample("tenant", "is neither a string nor null")
    if record.get("origin", "imported") not in get_args(Origin):
        raise InvalidExample("origin", f"is none of {', '.join(get_args(Origin))}")
    if record.get("id") and not _ID.fullmatch(record["id"]):
        raise InvalidExample("id", "is not made of 1 to 64 letters, digits, '_' and '-'")


def _lines(stream: BinaryIO) -> Iterator[bytes | None]:
    """Lines without their ends; None stands for one that is too long."""
    first = True
    while line := stream.readline(MAX_LINE_BYTES + 1):
        too_long = len(line) > MAX_LINE_BYTES and not line.endswith(b"\n")
        if too_long:
            while rest := stream.readline(MAX_LINE_BYTES):
                if rest.endswith(b"\n"):
                    break
        if first:
            line, first = line.removeprefix(b"\xef\xbb\xbf"), False
        yield None if too_long else line


def split_rejected(
    records: Iterable[tuple[int, Example] | Rejected], rejected: list[Rejected]
) -> Iterator[tuple[int, Example]]:
    """The good records; the others are put into `rejected` on the way."""
    for record in records:
        if isinstance(record, Rejected):
            rejected.append(record)
        else:
            yield record
