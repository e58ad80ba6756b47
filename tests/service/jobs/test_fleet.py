"""An API process that only takes in, workers that do the work, PostgreSQL, a Chroma server: and things that die."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.service.jobs.fleet_lab import CONCURRENCY, Fleet, until
from tests.service.jobs.lab import Calls, articles, ended
from tests.support.program import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.openai_stub import OpenAIStub
    from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.postgres


@pytest.fixture
def fleet(tmp_path: Path, postgres: PostgresServer, provider: OpenAIStub) -> Iterator[Fleet]:
    with ExitStack() as stack:
        port = free_port()
        made = Fleet(tmp_path, postgres.new_database(), port, provider)
        stack.callback(made.dismiss)
        made.start(stack)
        yield made


def test_a_dead_and_a_paused_worker_lose_nothing_and_nothing_is_delivered_twice(fleet: Fleet) -> None:
    fleet.hire(3)
    count = 150
    batch_id = fleet.client.send(articles(count))
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
    assert fleet.rows("SELECT count(*) FROM riddles") == [(count,)]
    assert Calls(fleet.stub).repeated() <= held + 2 * CONCURRENCY


def test_a_worker_that_is_told_to_stop_finishes_what_runs_and_leaves_the_rest_to_others(fleet: Fleet) -> None:
    fleet.hire(2)
    batch_id = fleet.client.send(articles(60))
    until(lambda: len(fleet.at_work()) == 2)
    leaving = fleet.workers[0]
    leaving.process.send_signal(signal.SIGTERM)
    assert leaving.process.wait(30) == 0, leaving.log()
    batch = fleet.client.finished(batch_id)
    assert batch["counts"]["published"] + batch["counts"]["needs_review"] == 60
    assert Calls(fleet.stub).repeated() == 0


def test_what_is_sent_while_nobody_works_waits_until_somebody_does(fleet: Fleet) -> None:
    batch_id = fleet.client.send(articles(5))
    time.sleep(1)
    assert ended(fleet.client.look(batch_id)) == 0
    fleet.hire(1)
    assert fleet.client.finished(batch_id)["status"] == "done"


def test_a_database_that_is_killed_and_comes_back_costs_nothing(fleet: Fleet, postgres: PostgresServer) -> None:
    fleet.hire(2)
    batch_id = fleet.client.send(articles(80))
    until(lambda: len(fleet.at_work()) == 2)
    postgres.restart(away_s=2)
    batch = fleet.client.finished(batch_id)
    assert batch["counts"]["published"] + batch["counts"]["needs_review"] == 80
    assert fleet.rows("SELECT count(*) FROM riddles") == [(80,)]
    assert Calls(fleet.stub).repeated() <= 2 * CONCURRENCY


def test_an_example_index_that_is_killed_and_comes_back_loses_nothing(
    tmp_path: Path, postgres: PostgresServer, provider: OpenAIStub
) -> None:
    with ExitStack() as stack:
        fleet = Fleet(tmp_path, postgres.new_database(), free_port(), provider)
        stack.callback(fleet.dismiss)
        index = fleet.open_index(stack)
        fleet.open_api()
        fleet.hire(1)
        batch_id = fleet.client.send(articles(40))
        until(fleet.at_work)
        index.kill()
        index.wait()
        time.sleep(2)
        fleet.open_index(stack)
        batch = fleet.client.finished(batch_id)
        assert batch["counts"]["published"] + batch["counts"]["needs_review"] == 40
        assert batch["counts"]["failed"] == 0
