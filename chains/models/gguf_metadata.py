"""Reads the metadata at the head of a GGUF file, without its weights.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little endian.
"""

from __future__ import annotations

import mmap
import struct
from typing import TYPE_CHECKING, Any

from domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_SCALARS: Mapping[int, str] = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d",
}  # fmt: skip
_STRING, _ARRAY = 8, 9


class NotGguf(ConfigurationError):
    """A file that should be a GGUF model and is not."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is no GGUF file we can read: {reason}; download it again or name another")


def read_metadata(path: Path) -> dict[str, Any]:
    """All key-value pairs: `general.name`, `llama.context_length`, `tokenizer.ggml.tokens` and so on.

    Raises:
        NotGguf: It is something else, cut short, or of another version.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(data).pairs(path)
    except (struct.error, IndexError, KeyError, UnicodeDecodeError) as error:
        raise NotGguf(path, "its head is damaged") from error
    except (OSError, ValueError) as error:
        raise NotGguf(path, str(error)) from error


class _Reader:
    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = 0

    def pairs(self, path: Path) -> dict[str, Any]:
        if self._data[:4] != _MAGIC:
            raise NotGguf(path, "it does not begin with GGUF")
        self._at = 4
        version = self._scalar("<I")
        if version not in _VERSIONS:
            raise NotGguf(path, f"it has version {version}")
        self._scalar("<Q")  # number of tensors
        count = self._scalar("<Q")
        return {self._string(): self._value(self._scalar("<I")) for _ in range(count)}

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._array()
        return self._scalar(_SCALARS[kind])

    def _array(self) -> list[Any]:
        kind, length = self._scalar("<I"), self._scalar("<Q")
        if kind in _SCALARS:
            form = f"<{length}{_SCALARS[kind][1]}"
            values = struct.unpack_from(form, self._data, self._at)
            self._at += struct.calcsize(form)
            return list(values)
        return [self._value(kind) for _ in range(length)]

    def _string(self) -> str:
        length = self._scalar("<Q")
        start, self._at = self._at, self._at + length
        if self._at > len(self._data):
            raise IndexError(self._at)
        return self._data[start : self._at].decode("utf-8", errors="replace")

    def _scalar(self, form: str) -> Any:
        (value,) = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return value
