"""What is printed and how: colours and progress only where a person looks, plain lines and JSON for programs."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from service.cli.hostile import clean, clean_line, escape_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

T = TypeVar("T")

_UNBOUNDED = 1_000_000


def out() -> Console:
    """Standard output. No markup, no emoji codes: what is printed is text, not a program for rich."""
    return _console(stderr=False)


def err() -> Console:
    """Standard error: errors, notes and progress."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _UNBOUNDED
    return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


def say(text: str = "", style: str = "") -> None:
    """Print text that may come from anywhere, wrapped at words on a terminal."""
    out().print(Text(clean(text), style=style))


def print_indented(text: Text, console: Console | None = None) -> None:
    """Print text two columns in: wrapped there on a terminal, line by line as it is elsewhere."""
    where = console or out()
    if where.is_terminal:
        where.print(Padding(text, (0, 0, 0, 2), expand=False))
        return
    for line in text.split("\n", allow_blank=True):
        where.print(Text("  ") + line if line else line, soft_wrap=True)


def note(text: str) -> None:
    """Tell a person something beside the result, on standard error."""
    err().print(Text(clean(text), style="dim"))


def fail(text: str) -> None:
    """One line on standard error that says what went wrong."""
    line = Text.assemble(("riddlewire: ", "bold red"), clean_line(text))
    err().print(line, soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    document = json.dumps(value, ensure_ascii=False, indent=2, default=_plain)
    sys.stdout.write(escape_json(document) + "\n")


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case Path():
            return str(value)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return dataclasses.asdict(value)
        case _ if hasattr(value, "model_dump"):
            return value.model_dump(mode="json")
        case _:
            return list(value)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """A table on a terminal; lines with tabs between the fields, nothing cut, for programs."""
    if not out().is_terminal:
        for row in rows:
            sys.stdout.write("\t".join(clean_line(str(cell)) for cell in row) + "\n")
        return
    from rich.table import Table

    table = Table(*columns, box=None, header_style="bold", padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(clean_line(cell)) for cell in row))
    out().print(table)


@contextlib.contextmanager
def working(what: str) -> Iterator[None]:
    """A spinner while something takes its time; nothing where no person looks."""
    if not err().is_terminal:
        yield
        return
    with err().status(Text(clean_line(what))):
        yield


def tracked(items: Sequence[T], what: str) -> Iterator[T]:
    """The items, with a progress bar that moves as they are taken; no bar where no person looks."""
    if not err().is_terminal:
        yield from items
        return
    from rich.progress import track

    yield from track(items, clean_line(what), console=err(), transient=True)
