"""The journal: JSON lines that are on the disk as soon as they are written, whatever ends the process."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Self

from domain.errors import InvalidFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO


class Journal:
    """Appends whole lines to a file; a context manager while it writes.

    A process that is killed while it writes leaves a last line without an end. Readers pass it over, and the next
    writer cuts it off.

    Args:
        path: The file; made with the first line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None

    def read(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """All whole lines with their numbers.

        Raises:
            InvalidFile: A line that is not the last one is no JSON object.
        """
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    return
                yield number, self._parsed(number, line)

    def _parsed(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            values = json.loads(line)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise InvalidFile(self.path, number, "is no JSON object: remove the line, and it is made anew")
        return values

    def append(self, values: dict[str, Any]) -> None:
        """Write a line; it is on the disk when this returns."""
        assert self._file is not None
        self._file.write(json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        """Open for writing, after cutting off what a killed process has not finished."""
        self._file = self.path.open("a+b")
        whole = _whole_bytes(self._file)
        self._file.truncate(whole)
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _whole_bytes(file: BinaryIO) -> int:
    """Up to the end of the last whole line."""
    end = file.seek(0, os.SEEK_END)
    step = 65_536
    while end > 0:
        start = max(0, end - step)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file as a whole: readers see the old content or the new one, never a part."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
