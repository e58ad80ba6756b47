"""The port to what queues jobs and brings them back after a crash. DBOS stands behind it; nothing else knows that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from domain.errors import RiddlewireError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from sqlalchemy.engine import Connection

    from service.storage.job_queue import Portion

    IsMine = Callable[[], Awaitable[bool]]
    Do = Callable[[Sequence[str], IsMine], Awaitable[None]]


class Postponed(RiddlewireError):
    """A job is not done now, for the process is to stop."""

    def __init__(self) -> None:
        super().__init__("this process is to stop; the job comes back elsewhere or later")


class JobEngine(Protocol):
    """Runs portions of jobs, each at least once until all of it has ended; one to a process."""

    async def start(self, do: Do) -> None:
        """Begin to run what is queued; jobs that this executor had begun before come back first.

        Args:
            do: Given the ids of a portion's jobs and a way to ask whether this executor still holds it, does the jobs
                and returns when each has ended or is somebody else's. A portion for which it raises `Postponed` stays
                begun, and comes back when this executor starts again or is taken over from.
        """
        ...

    async def stop(self) -> None:
        """Run nothing more. What is running should have ended; what has not comes back elsewhere or later."""
        ...

    def enqueue(self, connection: Connection, portions: Sequence[Portion]) -> None:
        """Queue portions of jobs in a transaction that the caller commits; the same portion again is one."""
        ...

    def take_over(self, executor_id: str) -> list[str]:
        """Queue again what a dead executor had begun. Blocks.

        Returns:
            Which portions, by id.
        """
        ...

    def alive(self, portions: Collection[str]) -> set[str]:
        """Those of these portions, by id, that are queued or begun here or by another executor. Blocks."""
        ...

    def purge(self) -> int:
        """Forget what has ended, and what it took for running here that is not in hand. Blocks.

        Returns:
            How many.
        """
        ...
