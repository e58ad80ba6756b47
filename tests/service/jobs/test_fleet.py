"""An API process that only takes in, workers that do the work, PostgreSQL, a Chroma server: and things that die."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.service.jobs.fleet_lab import CONCURRENCY, Fleet, until
from tests.service.jobs.lab import Calls, articles, ended, reply
from tests.support.openai_stub import Behaviour, OpenAIStub
from tests.support.program import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.postgres


class Town:
    """The fleet of this module: its API and its index stay from test to test, each test hires its own workers."""

    def __init__(self, fleet: Fleet, stack: ExitStack) -> None:
        self.fleet = fleet
        self._stack = stack

    def restart_index(self, *, away_s: float) -> None:
        """Kill the Chroma server, and start it again after so many seconds."""
        self.fleet.restart_index(self._stack, away_s=away_s)


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenAIStub]:
    """A model that takes a while and says of which article it was asked."""
    with OpenAIStub(reply=reply, default=Behaviour(delay_s=0.15)) as stub:
        yield stub


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer, provider: OpenAIStub) -> Iterator[Town]:
    with ExitStack() as stack:
        made = Fleet(tmp_path_factory.mktemp("fleet"), postgres.new_database(), free_port(), provider)
        stack.callback(made.dismiss)
        made.start(stack)
        yield Town(made, stack)


@pytest.fixture
def fleet(town: Town) -> Iterator[Fleet]:
    """The fleet without a worker; articles of one test must not be those of another, whose riddles are known."""
    yield town.fleet
    town.fleet.dismiss_workers()


def test_a_dead_and_a_paused_worker_lose_nothing_and_nothing_is_delivered_twice(fleet: Fleet) -> None:
    fleet.hire(3)
    count = 150
    repeated, riddles_before = Calls(fleet.stub).repeated(), fleet.count("riddles")
    batch_id = fleet.client.send(articles(count, first=1000), key="dead-and-paused")
    dead, paused, _ = fleet.workers
    busy = until(lambda: len(fleet.at_work()) == 3 and fleet.at_work())
    dead.process.kill()
    os.kill(paused.process.pid, signal.SIGSTOP)
    stopped_at = time.monotonic()
    held = busy[dead.process.pid] + busy[paused.process.pid]
    until(lambda: not {dead.process.pid, paused.process.pid} & set(fleet.at_work()))
    assert time.monotonic() - stopped_at < 30
    os.kill(paused.process.pid, signal.SIGCONT)
    batch = fleet.client.finished(batch_id)
    assert batch["counts"]["published"] + batch["counts"]["needs_review"] == count
    riddles = [item["riddle"]["id"] for item in fleet.client.results(batch_id)]
    assert len(set(riddles)) == count
    assert fleet.count("riddles") == riddles_before + count
    assert Calls(fleet.stub).repeated() - repeated <= held + 2 * CONCURRENCY


def test_a_worker_that_is_told_to_stop_finishes_what_runs_and_leaves_the_rest_to_others(fleet: Fleet) -> None:
    fleet.hire(2)
    repeated = Calls(fleet.stub).repeated()
    batch_id = fleet.client.send(articles(60, first=2000), key="stop")
    until(lambda: len(fleet.at_work()) == 2)
    leaving = fleet.workers[0]
    leaving.process.send_signal(signal.SIGTERM)
    assert leaving.process.wait(30) == 0, leaving.log()
    batch = fleet.client.finished(batch_id)
    ((name,),) = fleet.rows(f"SELECT id FROM workers WHERE pid = {leaving.process.pid}")
    told = [line for line in fleet.workers[1].log().splitlines() if name in line]
    assert not [line for line in told if "took over from a worker that is gone" in line], "nobody died"
    assert batch["counts"]["published"] + batch["counts"]["needs_review"] == 60
    assert Calls(fleet.stub).repeated() == repeated


def test_workers_that_have_nothing_to_do_share_a_small_batch(fleet: Fleet) -> None:
    fleet.hire(2)
    fleet.stub.default = Behaviour(delay_s=1)
    batch_id = fleet.client.send(articles(40, first=8000), key="shared")
    shares = until(lambda: len(fleet.at_work()) == 2 and fleet.at_work())
    fleet.stub.default = Behaviour(delay_s=0.15)
    assert set(shares) == {worker.process.pid for worker in fleet.workers}
    assert fleet.client.finished(batch_id)["counts"]["published"] == 40


def test_what_is_sent_while_nobody_works_waits_until_somebody_does(fleet: Fleet) -> None:
    batch_id = fleet.client.send(articles(5, first=3000), key="nobody")
    time.sleep(1)
    assert ended(fleet.client.look(batch_id)) == 0
    fleet.hire(1)
    assert fleet.client.finished(batch_id)["status"] == "done"


def test_a_database_that_is_killed_and_comes_back_costs_nothing(fleet: Fleet, postgres: PostgresServer) -> None:
    fleet.hire(2)
    repeated, riddles_before = Calls(fleet.stub).repeated(), fleet.count("riddles")
    batch_id = fleet.client.send(articles(80, first=4000), key="database")
    until(lambda: len(fleet.at_work()) == 2)
    postgres.restart(away_s=2)
    batch = fleet.client.finished(batch_id)
    assert batch["counts"]["published"] + batch["counts"]["needs_review"] == 80
    assert fleet.count("riddles") == riddles_before + 80
    assert Calls(fleet.stub).repeated() - repeated <= 2 * CONCURRENCY


def test_an_example_index_that_is_killed_and_comes_back_loses_nothing(town: Town, fleet: Fleet) -> None:
    fleet.hire(1)
    batch_id = fleet.client.send(articles(40, first=5000), key="index")
    until(fleet.at_work)
    town.restart_index(away_s=2)
    batch = fleet.client.finished(batch_id)
    assert batch["counts"]["published"] + batch["counts"]["needs_review"] == 40
    assert batch["counts"]["failed"] == 0
