from __future__ import annotations

import random
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.service.jobs.lab import Calls, Client, articles, ended, mark
from tests.support.openai_stub import NO_RIDDLE, Behaviour
from tests.support.program import Process

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.openai_stub import OpenAIStub, Recorded

CONCURRENCY = 8
COUNT = 60
KILLS = 3
NEAREST: dict[str, Any] = {
    "headline": "A ship leaves",
    "article": "The harbour of Brenford let a ship leave on Monday after a winter of repairs to bent plates.",
    "summary": "A mended ship left the harbour of Brenford after a winter of repairs.",
    "answer": "the mended ship",
    "riddle": "All winter men in helmets felt along my side,\nNow the mayor waves and I go with the tide.",
    "hints": ["Ice had bent me."],
    "topic": "harbour",
}


def paid(home: Path) -> Counter[str]:
    """How many answered calls are noted for each article that is not done, by its number."""
    return numbers(home, "(SELECT * FROM job_calls WHERE call_key NOT LIKE 'decided-%') JOIN jobs ON jobs.id = job_id")


def done(home: Path) -> set[str]:
    """The numbers of the articles that are done."""
    return set(numbers(home, "(SELECT * FROM jobs WHERE riddle_id IS NOT NULL)"))


def numbers(home: Path, source: str) -> Counter[str]:
    """The articles' numbers of some rows, with how many rows each has."""
    database = sqlite3.connect(home / "riddlewire.db")
    rows = database.execute(f"SELECT text FROM {source} JOIN articles ON articles.id = article_id").fetchall()
    database.close()
    return Counter(row[0].partition("ship number ")[2].split(" ")[0] for row in rows)


def test_kill_9_of_the_only_process_loses_nothing_and_repeats_no_call_that_was_noted(
    tmp_path: Path, provider: OpenAIStub
) -> None:
    home = tmp_path / "home"
    environment = {"RIDDLEWIRE_JOBS_CONCURRENCY": str(CONCURRENCY)}
    service = Process(home, provider, environment=environment)
    client = Client(lambda: service.url)
    chance = random.Random(7)
    try:
        service.wait_until_ready()
        batch_id = client.send(articles(COUNT))
        for kill in range(1, KILLS + 1):
            client.until(batch_id, at_least(kill * COUNT // (KILLS + 2)))
            client.until(batch_id, lambda _: chance.random() < 0.3)
            service.process.kill()
            service.process.wait(10)
            noted, finished = paid(home), done(home)
            before = Calls(provider).by_prompt()
            known = len(provider.requests)
            service = Process(home, provider, environment=environment)
            service.wait_until_ready()
            client.until(batch_id, at_least((kill + 1) * COUNT // (KILLS + 2)))
            again = Counter(mark(request) for request in provider.requests[known:] if was_sent(request, before))
            assert not [number for number in again if number in finished]
            for number, count in noted.items():
                sent_before = sum(count for (of, _), count in before.items() if of == number)
                assert again[number] <= sent_before - count, f"a noted call of article {number} was paid for again"
        batch = client.finished(batch_id)
    finally:
        service.process.kill()
        service.process.wait(10)
    assert batch["counts"]["published"] + batch["counts"]["needs_review"] == COUNT
    items = list(client_results(home, batch_id))
    assert len(items) == len(set(items)) == COUNT
    assert service.stored() == COUNT
    assert Calls(provider).repeated() <= KILLS * CONCURRENCY


def test_an_example_that_is_added_meanwhile_makes_no_noted_call_be_paid_again(
    tmp_path: Path, provider: OpenAIStub
) -> None:
    provider.enqueue(Behaviour(), NO_RIDDLE, Behaviour(hang=True))  # the summary, a riddle, its second attempt
    home, environment = tmp_path / "home", {"RIDDLEWIRE_CACHE_ENABLED": "false"}
    service = Process(home, provider, environment=environment)
    client = Client(lambda: service.url)
    try:
        service.wait_until_ready()
        batch_id = client.send(articles(1))
        client.until(batch_id, lambda _: len(provider.requests) == 3)
        added = client.ask("POST", "/v1/examples", json=NEAREST)
        assert added.status_code == 201, added.text
        service.process.kill()
        service.process.wait(10)
        service = Process(home, provider, environment=environment)
        service.wait_until_ready()
        batch = client.finished(batch_id)
        assert batch["counts"]["failed"] == 0
        sent = [request.text for request in provider.requests]
        assert sent[3:] == [sent[2]], "only the call that was in flight is made again"
        client.finished(client.send(articles(1, first=2000), key="another"))
        shown = [NEAREST["riddle"] in request.text for request in provider.requests]
        assert shown[:4] == [False] * 4
        assert any(shown), "articles that come later are shown the new example"
    finally:
        service.process.kill()
        service.process.wait(10)


def at_least(count: int) -> Callable[[dict[str, Any]], bool]:
    """Whether so many items of a batch have ended."""
    return lambda batch: ended(batch) >= count


def was_sent(request: Recorded, before: Counter[tuple[str, str]]) -> bool:
    return (mark(request), request.text) in before


def client_results(home: Path, batch_id: str) -> list[str]:
    """The riddles of a batch's items, by id."""
    database = sqlite3.connect(home / "riddlewire.db")
    rows = database.execute(
        "SELECT riddle_id FROM batch_items JOIN jobs ON jobs.id = job_id WHERE batch_id = ?", (batch_id,)
    ).fetchall()
    database.close()
    return [row[0] for row in rows]
