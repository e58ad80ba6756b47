"""Articles that can be told apart at the model's door, so that a test can say which call was paid for twice."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from tests.support.openai_stub import RIDDLE, OpenAIStub, Recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MARK = re.compile(r"ship number (\d+)")
_TEXT = (
    "The harbour of Brenford let ship number {number} leave on Monday after a winter of repairs. Divers had replaced "
    "plates that ice had bent, and the crew had waited in cheap inns. The mayor waved from the quay."
)


def articles(count: int, first: int = 1000) -> list[dict[str, Any]]:
    """Articles with a number each."""
    return [
        {"title": "A ship leaves", "text": _TEXT.format(number=number), "source": "Brenford Herald"}
        for number in range(first, first + count)
    ]


def reply(request: Recorded) -> str:
    """A riddle, or a summary that names the article's number, so that the next prompt has it too."""
    if "Riddle:" in request.text:
        return RIDDLE
    return f"After a winter of repairs the harbour let ship number {mark(request)} leave."


def mark(request: Recorded) -> str:
    """The number of the article that a model call is about: the last one of its prompt, after the examples."""
    return str(_MARK.findall(request.text)[-1])


@dataclass
class Calls:
    """The model calls that a stub was asked for."""

    stub: OpenAIStub

    def by_prompt(self) -> Counter[tuple[str, str]]:
        """How often each prompt was sent, by the article's number and the prompt's text."""
        return Counter((mark(request), request.text) for request in list(self.stub.requests))

    def repeated(self) -> int:
        """Calls that had been made before."""
        return sum(count - 1 for count in self.by_prompt().values())


@dataclass
class Client:
    """Talks to a service that may be away for a while."""

    url: Callable[[], str]
    patience_s: float = 120.0

    def send(self, sent: list[dict[str, Any]], key: str = "lab") -> str:
        """The id of the batch that is made of articles."""
        answer = self.ask("POST", "/v1/batches", json={"articles": sent}, headers={"Idempotency-Key": key})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def look(self, batch_id: str) -> dict[str, Any]:
        """The batch as it is."""
        answer = self.ask("GET", f"/v1/batches/{batch_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def until(self, batch_id: str, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The batch, once something is true of it."""
        ends = time.monotonic() + self.patience_s
        while not done(batch := self.look(batch_id)):
            assert time.monotonic() < ends, batch
            time.sleep(0.05)
        return batch

    def finished(self, batch_id: str) -> dict[str, Any]:
        """The batch, once nothing of it is open."""
        return self.until(batch_id, lambda batch: batch["finished_at"] is not None)

    def results(self, batch_id: str) -> Iterator[dict[str, Any]]:
        """All items, page by page."""
        cursor = None
        while True:
            params = {"limit": 100, **({"cursor": cursor} if cursor else {})}
            page = self.ask("GET", f"/v1/batches/{batch_id}/results", params=params).json()
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer, once the service is there to give one."""
        ends = time.monotonic() + self.patience_s
        while True:
            try:
                with httpx.Client(trust_env=False, timeout=30, verify=False) as client:
                    return client.request(method, f"{self.url()}{path}", **options)
            except httpx.TransportError:
                assert time.monotonic() < ends, "the service did not come back"
                time.sleep(0.05)


def ended(batch: dict[str, Any]) -> int:
    """How many items of a batch have ended."""
    counts = batch["counts"]
    return int(counts["total"] - counts["queued"] - counts["running"])
