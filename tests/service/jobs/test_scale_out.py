"""Two APIs and two workers on PostgreSQL and a Chroma server are one service, also while parts of it die."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import pairwise
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.service.jobs.fleet_lab import CONCURRENCY, Fleet, until
from tests.service.jobs.follower import Follower
from tests.service.jobs.lab import Calls, articles, ended, reply
from tests.sources import ROOT
from tests.support.openai_stub import Behaviour, OpenAIStub
from tests.support.program import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.postgres

COUNT = 120
CRAWLING, SLOW, FAST = (Behaviour(delay_s=seconds) for seconds in (4.0, 1.2, 0.05))
"""The model's pace: while processes start, so that the batch is not over before them; while things die; otherwise."""

ORCHID = (
    "A gardener in Brenford grew a black orchid that smells of rain, after forty years of trying. The botanical "
    "society measured nine petals, and ship number {number} brought a professor who wept when she saw it."
)
EXAMPLE = {
    "article": ORCHID.format(number=1),
    "headline": "Black orchid blooms in Brenford",
    "summary": "After forty years a gardener has grown a black orchid that smells of rain.",
    "answer": "the black orchid",
    "riddle": "Forty winters I would not wake,\nNow I wear night for the summer's sake.",
    "hints": ["I smell of rain."],
    "topic": "garden",
}


class Town:
    """The fleet, with its Chroma server at hand."""

    def __init__(self, fleet: Fleet, stack: ExitStack) -> None:
        self.fleet = fleet
        self._stack = stack
        self.metrics_port = free_port()
        fleet.open_index(stack)

    def start(self) -> None:
        """Start two APIs and two workers at the same moment, on a database that is empty."""
        fleet = self.fleet
        metrics = ("--metrics-host", "127.0.0.1", "--metrics-port", str(self.metrics_port))
        fleet.workers += [fleet.new_worker(), fleet.new_worker(*metrics)]
        fleet.apis += [fleet.new_api(), fleet.new_api()]
        for api in fleet.apis:
            api.wait_until_ready()
        fleet.wait_for_workers()

    def restart_index(self, *, away_s: float) -> None:
        """Kill the Chroma server, and start it again after so many seconds."""
        self.fleet.restart_index(self._stack, away_s=away_s)


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenAIStub]:
    with OpenAIStub(reply=reply, default=FAST) as stub:
        yield stub


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer, provider: OpenAIStub) -> Iterator[Town]:
    with ExitStack() as stack:
        fleet = Fleet(tmp_path_factory.mktemp("town"), postgres.new_database(), free_port(), provider)
        stack.callback(fleet.dismiss)
        made = Town(fleet, stack)
        made.start()
        yield made


def test_the_healthcheck_of_the_compose_file_finds_a_worker_that_lives(town: Town) -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))["services"]
    _, program, *arguments = services["worker"]["healthcheck"]["test"]
    assert program == "python"

    def asked(port: int) -> int:
        command = [argument.replace(":9100/", f":{port}/") for argument in arguments]
        return subprocess.run([sys.executable, *command], capture_output=True, check=False).returncode

    assert asked(town.metrics_port) == 0
    assert asked(free_port()) == 1


def test_an_example_added_through_one_api_is_shown_by_the_other_and_by_a_worker(town: Town) -> None:
    one, other = town.fleet.client_of(0), town.fleet.client_of(1)
    added = one.ask("POST", "/v1/examples", json=EXAMPLE)
    assert added.status_code == 201, added.text
    example_id = added.json()["id"]
    made = other.ask("POST", "/v1/riddles", json={"article": {"text": ORCHID.format(number=2)}})
    assert made.status_code == 201, made.text
    assert example_id in shown(made.json())
    batch_id = other.send([{"text": ORCHID.format(number=3)}], key="orchid")
    other.finished(batch_id)
    (item,) = one.results(batch_id)
    assert example_id in shown(item["riddle"])
    assert one.ask("DELETE", f"/v1/examples/{example_id}").status_code == 204
    again = other.ask("POST", "/v1/riddles", json={"article": {"text": ORCHID.format(number=4)}})
    assert example_id not in shown(again.json())


def test_a_key_sent_to_both_apis_at_once_makes_one_batch(town: Town) -> None:
    fleet = town.fleet
    before = fleet.count("batches")
    for round_number in range(5):
        sent = {"articles": articles(2, first=5000 + 10 * round_number)}
        at_once = Barrier(2)

        def send(api: int, body: Any = sent, key: str = f"both-{round_number}", at_once: Barrier = at_once) -> str:
            at_once.wait(20)
            return accepted(fleet, api, body, key)

        with ThreadPoolExecutor(2) as pool:
            ids = set(pool.map(send, (0, 1)))
        assert len(ids) == 1
        fleet.client.finished(ids.pop())
    assert fleet.count("batches") == before + 5


def test_a_batch_outlives_an_api_a_worker_the_database_and_the_index(
    town: Town, postgres: PostgresServer, provider: OpenAIStub
) -> None:
    fleet = town.fleet
    provider.default = SLOW
    repeated_before, riddles_before = Calls(provider).repeated(), fleet.count("riddles")
    batch_id = fleet.client_of(0).send(articles(COUNT, first=6000), key="town")
    follower = Follower(lambda: [api.url for api in fleet.apis], f"/v1/batches/{batch_id}/events")
    other = fleet.client_of(1)

    other.until(batch_id, at_least(10))
    fleet.apis[0].process.kill()
    fleet.apis[0].process.wait(10)
    assert ended(other.look(batch_id)) < COUNT
    fleet.apis[0] = fleet.new_api()

    other.until(batch_id, at_least(20))
    dead = fleet.workers[0].process
    held = until(lambda: fleet.at_work().get(dead.pid))
    dead.kill()
    provider.default = CRAWLING
    fleet.hire(1)
    fleet.apis[0].wait_until_ready()
    provider.default = SLOW

    other.until(batch_id, at_least(45))
    assert not follower.is_over
    postgres.restart(away_s=1)
    other.until(batch_id, at_least(70))
    assert not follower.is_over
    town.restart_index(away_s=1)
    provider.default = FAST

    batch = fleet.client_of(0).finished(batch_id)
    assert batch["counts"]["published"] + batch["counts"]["needs_review"] == COUNT
    results = list(other.results(batch_id))
    assert results == list(fleet.client_of(0).results(batch_id))
    assert [item["index"] for item in results] == list(range(COUNT))
    assert len({item["riddle"]["id"] for item in results}) == COUNT
    assert fleet.count("riddles") == riddles_before + COUNT
    assert Calls(provider).repeated() - repeated_before <= held + 2 * CONCURRENCY

    told = follower.join()
    assert {event.api for event in told} == {0, 1}
    assert [event.ended for event in told] == sorted(event.ended for event in told)
    assert all(one.event_id != following.event_id for one, following in pairwise(told))
    assert [event.name for event in told] == ["progress"] * (len(told) - 1) + ["done"]
    assert follower.cut_off > 0, "nothing died while somebody listened"


def accepted(fleet: Fleet, api: int, body: dict[str, Any], key: str) -> str:
    """The id of the batch, asked for until the other one who uses the key has its answer."""
    ends = time.monotonic() + 30
    while True:
        answer = fleet.client_of(api).ask("POST", "/v1/batches", json=body, headers={"Idempotency-Key": key})
        if answer.status_code == 202:
            return str(answer.json()["id"])
        assert answer.status_code == 409, answer.text
        assert int(answer.headers["Retry-After"]) > 0
        assert time.monotonic() < ends
        time.sleep(0.1)


def shown(riddle: dict[str, Any]) -> set[str]:
    """Ids of the examples that were shown to the model."""
    return {example for step in riddle["provenance"]["steps"] for example in step["example_ids"]}


def at_least(count: int) -> Any:
    """Whether so many articles have ended."""
    return lambda batch: ended(batch) >= count
