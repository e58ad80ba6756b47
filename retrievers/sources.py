"""Articles from files, standard input and URLs."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from domain import Article
from domain.errors import InvalidArticle, NotFound
from retrievers.extraction import extract_article, parse_time
from retrievers.fetch import FetchPolicy, fetch_article

if TYPE_CHECKING:
    from typing import BinaryIO

MAX_BYTES = 10_000_000
"""Larger files are refused."""

MAX_TITLE_CHARS = 200

_FIELDS = ("title", "url", "source", "language")


def read_article(source: Path | str, *, policy: FetchPolicy | None = None) -> Article:
    """An article from wherever it is; in a coroutine, use `aread_article`.

    Args:
        source: A path, `-` for standard input, or a URL.
        policy: For URLs, see `FetchPolicy`.

    Raises:
        NotFound: There is no such file.
        InvalidArticle: It is too large, not UTF-8, or has no text.
        FetchError: The URL could not be fetched.
    """
    if is_url(source):
        return asyncio.run(fetch_article(str(source), policy=policy))
    if str(source) == "-":
        return parse_article(_read(sys.stdin.buffer))
    return _read_file(Path(source))


async def aread_article(source: Path | str, *, policy: FetchPolicy | None = None) -> Article:
    """`read_article` for coroutines; files are read in a thread."""
    if is_url(source):
        return await fetch_article(str(source), policy=policy)
    return await asyncio.to_thread(read_article, source)


def is_url(source: Path | str) -> bool:
    """Whether a source is fetched rather than opened."""
    return isinstance(source, str) and source.lower().startswith(("http://", "https://"))


def parse_article(data: bytes) -> Article:
    """Tell by its content whether it is a JSON object, a web page or plain text.

    In plain text, a first line that stands alone, is at most 200 characters long and does not end like a sentence is
    the title; so is a Markdown heading.

    Raises:
        InvalidArticle: It is not UTF-8, or has no text.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidArticle("text", f"is not UTF-8 (byte {error.start})") from None
    start = text[:1_000].lstrip().lower()
    if start.startswith("{") and (record := _json_object(text)):
        return _from_record(record)
    if start.startswith(("<!doctype html", "<html", "<?xml")) and (found := extract_article(text)):
        return found
    title, body = _split_title(text)
    return Article(text=body, title=title)


def _read_file(path: Path) -> Article:
    try:
        with path.open("rb") as file:
            return parse_article(_read(file))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise NotFound("article file", str(path)) from None


def _read(stream: BinaryIO) -> bytes:
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InvalidArticle("text", f"is larger than {MAX_BYTES:,} bytes")
    return data


def _json_object(text: str) -> dict[str, Any] | None:
    """None when it only looks like JSON, or has no text in it."""
    try:
        record = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    record = record.get("article", record)
    return record if isinstance(record, dict) and isinstance(record.get("text"), str) else None


def _from_record(record: dict[str, Any]) -> Article:
    for name in (*_FIELDS, "published_at"):
        if not isinstance(record.get(name), str | None):
            raise InvalidArticle(name, "is neither a string nor null")
    fields = {name: record[name] for name in _FIELDS if record.get(name)}
    return Article(text=record["text"], published_at=parse_time(record.get("published_at")), **fields)


def _split_title(text: str) -> tuple[str | None, str]:
    first, _, rest = text.strip().partition("\n")
    title = first.strip().lstrip("#").strip()
    heading = first.startswith("#")
    stands_alone = rest.startswith(("\n", "\r\n")) and not title.endswith((".", "!", ":", ";", ","))
    if title and rest.strip() and len(title) <= MAX_TITLE_CHARS and (heading or stands_alone):
        return title, rest.strip()
    return None, text
