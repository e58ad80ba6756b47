"""A folder of files that people edit while we run: reads what changed, keeps the last good value of a broken file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from domain.errors import InvalidFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

Stamp = tuple[int, int, int]
"""Modification time in ns, size and inode: what tells an edited file from the one that was read."""


@dataclass(frozen=True, slots=True)
class FileProblem:
    """Why a file, or its newest content, is not in force.

    Args:
        path: The file.
        line: Where in it, from 1; None when it is about the file as a whole.
        reason: What is wrong and what to do.
    """

    path: Path
    line: int | None
    reason: str

    @classmethod
    def of(cls, error: InvalidFile) -> FileProblem:
        """The problem that a refused file's error tells."""
        return cls(error.path, error.line, error.reason)

    def error(self) -> InvalidFile:
        """The error to raise where the file was needed."""
        return InvalidFile(self.path, self.line, self.reason)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """One file as it is in force: `value` is its last good content, None when it never had one."""

    path: Path
    stamp: Stamp
    value: T | None
    problem: FileProblem | None


class Folder(Generic[T]):
    """The files of one suffix in one folder, which may be missing. Not thread-safe: its catalog locks.

    Args:
        path: The folder; hidden files and sub-folders are left alone.
        suffix: Such as `.yaml`.
        load: Reads one file or raises InvalidFile.
    """

    def __init__(self, path: Path, suffix: str, load: Callable[[Path], T]) -> None:
        self.path = path
        self._suffix = suffix
        self._load = load
        self._files: dict[str, Loaded[T]] = {}

    def refresh(self) -> bool:
        """Reads new and edited files and forgets removed ones; tells whether anything was different."""
        stamps = self._stamps()
        if stamps == {name: file.stamp for name, file in self._files.items()}:
            return False
        self._files = {name: self._file(name, stamp) for name, stamp in stamps.items()}
        return True

    def files(self) -> list[Loaded[T]]:
        """All files by name."""
        return list(self._files.values())

    def _stamps(self) -> dict[str, Stamp]:
        try:
            with os.scandir(self.path) as entries:
                found = [entry for entry in entries if entry.name.endswith(self._suffix) and entry.name[0] != "."]
                return {entry.name: _stamp(entry) for entry in sorted(found, key=lambda entry: entry.name)}
        except OSError:  # no such folder, or a file went while we looked: the next refresh sees
            return {}

    def _file(self, name: str, stamp: Stamp) -> Loaded[T]:
        old = self._files.get(name)
        if old is not None and old.stamp == stamp:
            return old
        path = self.path / name
        try:
            return Loaded(path, stamp, self._load(path), None)
        except InvalidFile as error:
            return Loaded(path, stamp, old.value if old else None, FileProblem.of(error))


def _stamp(entry: os.DirEntry[str]) -> Stamp:
    stat = entry.stat()
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
