"""Files that commands read and write; one that cannot be opened is the caller's mistake, not a crash."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@contextmanager
def opened(source: str) -> Iterator[BinaryIO]:
    """The bytes of a file; `-` is standard input.

    Raises:
        InvalidInput: It cannot be read.
    """
    if source == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(source).open("rb") as file:
            yield file
    except OSError as error:
        raise InvalidInput("file", f"{source} cannot be read: {error.strerror}") from None


def write_file(target: str, pieces: Iterable[bytes]) -> None:
    """Write a file anew, piece by piece.

    Raises:
        InvalidInput: It cannot be written.
    """
    try:
        with Path(target).open("wb") as file:
            file.writelines(pieces)
    except OSError as error:
        raise InvalidInput("file", f"{target} cannot be written: {error.strerror}") from None
