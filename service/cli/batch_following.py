"""Following a batch to its end, wherever it is worked on, and telling a person how it goes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from service.cli.exits import Exit
from service.cli.terminal import note

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_SHORTEST_REST_S: Final = 0.5
_UNSEEN: Final = 0.25
"""The longer a batch has taken, the less often it is looked at: so much of the time so far may pass unseen.

That is some 17 looks in the first 40 s: keys with a rate of few requests a minute are common."""


class Place(Protocol):
    """Where a batch is worked on."""

    @property
    def longest_rest_s(self) -> float:
        """Seconds between two looks at a long batch."""
        ...

    async def send(self, body: bytes, pipeline: str | None, name: str) -> dict[str, Any]:
        """Send articles as JSON lines; the same name again finds the batch there is."""
        ...

    async def look(self, batch_id: str) -> dict[str, Any]:
        """How far a batch is."""
        ...

    async def cancel(self, batch_id: str) -> dict[str, Any]:
        """Stop what has not started."""
        ...

    async def retry(self, batch_id: str) -> dict[str, Any]:
        """Run the failed articles again."""
        ...

    async def work_on(self, batch_id: str) -> None:
        """Have it done from now on."""
        ...

    def results(self, batch_id: str) -> AsyncIterator[bytes]:
        """All items, as JSON lines in pieces."""
        ...

    def when_stopped(self, batch_id: str) -> str:
        """What becomes of the batch when the command is stopped, and how to go on."""
        ...


async def followed(place: Place, batch_id: str, show: Callable[[int, int], None]) -> dict[str, Any]:
    """The batch, once nothing in it is open.

    Args:
        place: Where it is worked on.
        batch_id: Its id.
        show: Told how many articles of how many are done.
    """
    told, since = None, time.monotonic()
    while True:
        batch = await place.look(batch_id)
        counts = batch["counts"]
        show(counts["total"] - counts["queued"] - counts["running"], counts["total"])
        told = _tell_of_deferred(batch.get("deferred"), told)
        if batch["finished_at"] is not None:
            return batch
        await asyncio.sleep(rest_s(batch.get("eta_seconds"), time.monotonic() - since, place.longest_rest_s))


def rest_s(eta_s: float | None, elapsed_s: float, longest_s: float) -> float:
    """Seconds until the next look at a batch: longer the longer it has taken, and not far past its likely end.

    Args:
        eta_s: Seconds until it is likely to be done; None when nobody knows.
        elapsed_s: Seconds that it has been followed.
        longest_s: Never longer than this.
    """
    rest = max(_SHORTEST_REST_S, elapsed_s * _UNSEEN)
    return min(longest_s, rest, max(_SHORTEST_REST_S, rest if eta_s is None else eta_s))


def told_of_end(batch: dict[str, Any]) -> Exit:
    """Say what became of the articles, and how to run again what failed."""
    counts = batch["counts"]
    words = {"published": "published", "needs_review": "for review", "failed": "failed", "cancelled": "cancelled"}
    told = ", ".join(f"{counts[status]:,} {word}" for status, word in words.items() if counts[status])
    note(f"{counts['total']:,} articles: {told}")
    if counts["failed"]:
        note("The same command with --retry runs those again that failed.")
    if batch["status"] == "cancelled":
        note("This batch was cancelled. The same command with --retry sends a file of articles anew.")
    return Exit.FAILED if counts["failed"] else Exit.OK


def _tell_of_deferred(deferred: dict[str, Any] | None, told: list[str] | None) -> list[str] | None:
    """Say once why articles wait, and again when it is for another budget or they had gone on. What was told last."""
    if deferred is None:
        return None
    if deferred["budgets"] != told:
        note(f"{deferred['detail']}; this command may be stopped, and the same one goes on")
    return list(deferred["budgets"])
