"""Writes results: to a file that is there whole or not at all, or to standard output as they come."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


async def write_lines(lines: AsyncIterator[bytes], output: Path | None) -> None:
    """Write lines to a file, or to standard output without one.

    Raises:
        OSError: The file cannot be written.
    """
    if output is None:
        async for part in lines:
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
        return
    partial = output.with_name(f"{output.name}.partial")
    try:
        with partial.open("wb") as file:
            async for part in lines:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
