"""Cases from JSONL and CSV files; whatever cannot be used is told with its line."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from domain import Article
from domain.errors import InvalidArticle
from evaluation.case import Case
from evaluation.datasets.dataset import Dataset, case_id
from evaluation.errors import InvalidDataset

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_FIELD_CHARS = 1_000_000
MAX_CASES = 20_000

_NAMES = {
    "article": ("article", "text"),
    "title": ("title", "headline"),
    "topic": ("topic",),
    "summary": ("summary",),
    "answer": ("answer",),
    "riddle": ("riddle",),
    "hints": ("hints",),
}
"""What a case is made of, and what columns or fields may be called."""

_TEXTS = ("article", "title", "topic", "summary", "answer", "riddle")
_KNOWN = {name: field for field, names in _NAMES.items() for name in names}


def read_dataset(path: Path) -> Dataset:
    """The cases of a `.jsonl` or `.csv` file in UTF-8, with or without a byte order mark.

    The article is `article` or `text`, its title `title` or `headline`; `topic`, `summary`, `answer`, `riddle` and
    `hints` are optional. Hints are a list in JSONL, and a JSON list or one hint a line in CSV.

    Raises:
        InvalidDataset: With the line and what is wrong with it.
    """
    readers = {".jsonl": _json_rows, ".ndjson": _json_rows, ".csv": _csv_rows}
    if path.suffix.lower() not in readers:
        raise InvalidDataset(path, None, "is neither dev, train, stored:N nor a .jsonl or .csv file")
    text = _read(path)
    cases = [_case(path, line, row) for line, row in readers[path.suffix.lower()](path, text)]
    if not cases:
        raise InvalidDataset(path, None, "has no case")
    if len(cases) > MAX_CASES:
        raise InvalidDataset(path, None, f"has more than {MAX_CASES:,} cases: sample it first")
    return Dataset.of(str(path), cases)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InvalidDataset(path, None, f"is larger than {MAX_FILE_BYTES // 1024**2} MiB: sample it first")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidDataset(path, None, f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InvalidDataset(path, line, "is not UTF-8 text") from None


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, written in enumerate(text.split("\n"), 1):
        if not written.strip():
            continue
        try:
            row = json.loads(written)
        except (json.JSONDecodeError, RecursionError) as error:
            reason = getattr(error, "msg", "too deeply nested")
            raise InvalidDataset(path, line, f"is not JSON: {reason}") from None
        if not isinstance(row, dict):
            raise InvalidDataset(path, line, "is not a JSON object")
        yield line, row


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD_CHARS + 1))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().casefold() for name in next(reader, [])]
        _check_header(path, header)
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, _row(path, line, header, cells)
            line = reader.line_num + 1
    except csv.Error as error:
        raise InvalidDataset(path, reader.line_num, f"is not CSV: {error}") from None


def _check_header(path: Path, header: list[str]) -> None:
    if not set(header) & set(_NAMES["article"]):
        raise InvalidDataset(path, 1, "has no column 'article' (or 'text')")
    if repeated := sorted({name for name in header if name and header.count(name) > 1}):
        raise InvalidDataset(path, 1, f"has the column {repeated[0]!r} twice")


def _row(path: Path, line: int, header: list[str], cells: list[str]) -> dict[str, Any]:
    if len(cells) != len(header):
        raise InvalidDataset(path, line, f"has {len(cells)} cells where the header has {len(header)}")
    row: dict[str, Any] = dict(zip(header, cells, strict=True))
    if "hints" in row:
        row["hints"] = _hints_in_cell(row["hints"])
    return row


def _hints_in_cell(cell: str) -> Any:
    if cell.lstrip().startswith("["):
        try:
            return json.loads(cell)
        except json.JSONDecodeError:
            return [cell]
    return [hint.strip() for hint in cell.splitlines() if hint.strip()]


def _case(path: Path, line: int, row: dict[str, Any]) -> Case:
    values = _values(path, line, row)
    hints = values.pop("hints", None) or []
    if not isinstance(hints, list) or not all(isinstance(hint, str) for hint in hints):
        raise InvalidDataset(path, line, "has hints that are not a list of strings")
    for name, value in (*values.items(), *(("hint", hint) for hint in hints)):
        if (reason := _fault(value)) is not None:
            raise InvalidDataset(path, line, f"has a {name} that {reason}")
    text, title, topic, *references = (_visible(values.get(name)) for name in _TEXTS)
    try:
        article = Article(text=text or "", title=title)
    except InvalidArticle as error:
        raise InvalidDataset(path, line, f"has an article whose {error.field} {error.reason}") from None
    summary, answer, riddle = references
    return Case(
        id=case_id(article),
        article=article,
        topic=topic or "",
        summary=summary,
        answer=answer,
        riddle=riddle,
        hints=tuple(hints),
    )


def _values(path: Path, line: int, row: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in row.items():
        field = _KNOWN.get(name.strip().casefold())
        if field in values:
            raise InvalidDataset(path, line, f"has two of {' and '.join(_NAMES[field])}")
        if field is not None:
            values[field] = value
    if "article" not in values:
        raise InvalidDataset(path, line, "has no 'article' (or 'text')")
    return values


def _fault(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        return "is not a string"
    if len(value) > MAX_FIELD_CHARS:
        return f"is longer than {MAX_FIELD_CHARS:,} characters"
    if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        return "holds NUL bytes or lone surrogates"
    return None


def _visible(value: str | None) -> str | None:
    return value if value and value.strip() else None
