"""A client that follows a batch's events through several APIs, going on with Last-Event-ID where it left."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

EVENTS_A_VISIT = 4


@dataclass(frozen=True, slots=True)
class Told:
    """One event, and which API told it."""

    api: int
    name: str
    event_id: str
    batch: dict[str, Any]

    @property
    def ended(self) -> int:
        """How many articles had ended."""
        counts = self.batch["counts"]
        return int(counts["total"] - counts["queued"] - counts["running"])


class Follower:
    """Reads to the end in a thread of its own: a few events here, a few there, whatever dies meanwhile.

    Args:
        urls: Where the APIs are by now.
        path: Of the batch's events.
        patience_s: For all of it.
    """

    def __init__(self, urls: Callable[[], Sequence[str]], path: str, *, patience_s: float = 180.0) -> None:
        self._urls = urls
        self._path = path
        self._ends = time.monotonic() + patience_s
        self._thread = threading.Thread(target=self._follow, name="follower", daemon=True)
        self.told: list[Told] = []
        self.cut_off = 0
        self._thread.start()

    def join(self) -> list[Told]:
        """All events, once the last was told."""
        self._thread.join(max(0.0, self._ends - time.monotonic()) + 30)
        assert self.is_over, self.told[-1:]
        return self.told

    @property
    def is_over(self) -> bool:
        """Whether the last event was told."""
        return bool(self.told) and self.told[-1].name == "done"

    def _follow(self) -> None:
        visit = 0
        while not self.is_over and time.monotonic() < self._ends:
            urls = self._urls()
            try:
                self._listen(visit % len(urls), urls[visit % len(urls)])
            except httpx.TransportError:
                self.cut_off += 1
                time.sleep(0.2)
            visit += 1

    def _listen(self, api: int, url: str) -> None:
        last = {"Last-Event-ID": self.told[-1].event_id} if self.told else {}
        with (
            httpx.Client(trust_env=False, timeout=10, verify=False) as client,
            client.stream("GET", f"{url}{self._path}", headers=last) as answer,
        ):
            if answer.status_code != 200:  # the database is away
                time.sleep(0.2)
                return
            for count, event in enumerate(_events(answer), start=1):
                self.told.append(Told(api, event["event"], event["id"], orjson.loads(event["data"])))
                if count == EVENTS_A_VISIT:
                    return


def _events(answer: httpx.Response) -> Iterator[dict[str, str]]:
    """Whole events only: what is cut off before its blank line was never told."""
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield fields
            fields = {}
