"""Server-sent events out of bytes, as the WHATWG standard reads them (data fields only, the rest is not for us)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class EventDecoder:
    """Cuts a byte stream into events; pieces may break anywhere, also inside a character or a line ending."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The data of each event that this piece completes."""
        lines = (self._rest + piece).replace(b"\r\n", b"\n").split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            data = self._line(line.removesuffix(b"\r"))
            if data is not None:
                yield data

    def close(self) -> Iterator[bytes]:
        """The data of an event that the stream's end cut off before its empty line."""
        if self._rest:
            self._line(self._rest)
            self._rest = b""
        if self._data:
            yield self._take()

    def _line(self, line: bytes) -> bytes | None:
        if not line:
            return self._take() if self._data else None
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
        return None

    def _take(self) -> bytes:
        data, self._data = b"\n".join(self._data), []
        return data
