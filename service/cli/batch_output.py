"""Writes results: to a file that is there whole or not at all, or to standard output as they come."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from typing import TYPE_CHECKING

from domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def check_writable(output: Path | None) -> None:
    """Nothing, if results can be written there: asked before anything is paid for.

    Args:
        output: A file, there or not; None is standard output.

    Raises:
        InvalidInput: They cannot.
    """
    if output is None:
        return
    try:
        if output.is_dir():
            raise IsADirectoryError(None, "it is a folder")
        if _is_device(output):
            return
        with contextlib.suppress(FileNotFoundError):
            _partial(output).stat()  # fails for a name that is too long
        tempfile.TemporaryFile(dir=output.parent).close()
    except OSError as error:
        raise _unwritable(output, error) from None


async def write_lines(lines: AsyncIterator[bytes], output: Path | None) -> None:
    """Write lines to a file, or to standard output without one.

    Raises:
        InvalidInput: The file cannot be written.
    """
    if output is None:
        async for part in lines:
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
        return
    try:
        await _write(lines, output)
    except OSError as error:
        raise _unwritable(output, error) from None


async def _write(lines: AsyncIterator[bytes], output: Path) -> None:
    written = output if _is_device(output) else _partial(output)
    try:
        with written.open("wb") as file:
            async for part in lines:
                file.write(part)
            file.flush()
            if written is not output:
                os.fsync(file.fileno())
        if written is not output:
            written.replace(output)
    finally:
        if written is not output:
            written.unlink(missing_ok=True)


def _partial(output: Path) -> Path:
    return output.with_name(f"{output.name}.partial")


def _is_device(output: Path) -> bool:
    """A pipe or a device, such as /dev/stdout, is written to and never replaced."""
    return output.exists() and not output.is_file() and not output.is_dir()


def _unwritable(output: Path, error: OSError) -> InvalidInput:
    return InvalidInput("file", f"{output} cannot be written: {error.strerror or error}")
