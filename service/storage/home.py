"""The data folder and its lock: a SQLite file or an index in process belongs to one serving process at a time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from domain.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from filelock import BaseFileLock


class HomeInUse(ConfigurationError):
    """Another process serves from the same data folder."""

    def __init__(self, home: Path, pid: str) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(
            f"{who} already serves from the data folder {home}: stop it, or give this one a folder of its own with "
            "RIDDLEWIRE_HOME; several processes need RIDDLEWIRE_DATABASE_URL (PostgreSQL) and RIDDLEWIRE_CHROMA_URL"
        )


class HomeNotWritable(ConfigurationError):
    """The data folder cannot be made or written."""

    def __init__(self, home: Path, reason: str) -> None:
        super().__init__(
            f"cannot use the data folder {home}: {reason}; set RIDDLEWIRE_HOME to a folder that this user can write"
        )


class HomeLock:
    """Held by the serving process for as long as it lives; the operating system frees it when the process dies.

    Commands that only read and write rows (`riddlewire examples add` beside a running server) do not take it.

    Args:
        home: The data folder, made when it is not there.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._pid_file = home / "serving.pid"
        self._lock: BaseFileLock | None = None

    def acquire(self) -> None:
        """Take the lock, or say who has it.

        Raises:
            HomeInUse: Another process has it.
            HomeNotWritable: The folder cannot be made or written.
        """
        from filelock import FileLock, Timeout

        make_home(self._home)
        lock = FileLock(self._home / "serving.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise HomeInUse(self._home, self._read_pid()) from None
        self._lock = lock
        self._pid_file.write_text(str(os.getpid()))

    def release(self) -> None:
        """Give the lock back; nothing happens when it is not held."""
        if self._lock is not None:
            self._pid_file.unlink(missing_ok=True)
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.release()

    def _read_pid(self) -> str:
        try:
            return self._pid_file.read_text().strip()
        except OSError:
            return ""


def make_home(home: Path) -> None:
    """Make the data folder, readable by its owner only.

    Raises:
        HomeNotWritable: It cannot be made or written.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise HomeNotWritable(home, error.strerror or str(error)) from None
    if not os.access(home, os.W_OK | os.X_OK):
        raise HomeNotWritable(home, "it is not writable")
