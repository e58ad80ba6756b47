"""`fleet`: workers on PostgreSQL with settings as they come. One is killed for good, one is paused for 40 s and woken.

Then the same batch with one worker and with two. The lab of the tests: `tests/service/jobs/fleet_lab.py`.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from bench.report import Report, Row
from tests.service.jobs.fleet_lab import Fleet, until
from tests.service.jobs.lab import Calls, articles, ended, reply
from tests.support.openai_stub import Behaviour, OpenAIStub
from tests.support.postgres import find_binaries, postgres_server
from tests.support.program import free_port

if TYPE_CHECKING:
    from bench.options import Options

AT_ONCE = 16
PAUSED_S = 40


def measure(options: Options) -> Report:
    """Run it.

    Raises:
        FileNotFoundError: PostgreSQL's programs are not installed.
    """
    binaries = find_binaries()
    if binaries is None:
        raise FileNotFoundError("PostgreSQL's programs are missing: install the package 'postgresql'")
    report = Report(name="fleet")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
        stub = stack.enter_context(OpenAIStub(reply=reply, default=Behaviour(delay_s=0.5)))
        server = stack.enter_context(postgres_server(binaries))
        fleet = Fleet(Path(folder), server.new_database(), free_port(), stub)
        del fleet.settings["RIDDLEWIRE_JOBS_DEAD_AFTER_S"]
        fleet.settings["RIDDLEWIRE_JOBS_CONCURRENCY"] = str(AT_ONCE)
        stack.callback(fleet.dismiss)
        fleet.start(stack)
        _one_dead_one_paused(report, fleet, 300 if options.quick else 1_200)
        _one_and_two(report, fleet, stub, 200 if options.quick else 800)
    return report


def _one_dead_one_paused(report: Report, fleet: Fleet, count: int) -> None:
    fleet.hire(3)
    batch_id = fleet.client.send(articles(count), key="dead")
    fleet.client.until(batch_id, lambda batch: ended(batch) >= count // 10)
    until(lambda: len(fleet.at_work()) == 3)
    dead, paused, _ = fleet.workers
    held = fleet.at_work()
    dead.process.kill()
    os.kill(paused.process.pid, signal.SIGSTOP)
    stopped = time.monotonic()
    until(lambda: not {dead.process.pid, paused.process.pid} & set(fleet.at_work()), 120)
    taken = time.monotonic() - stopped
    time.sleep(max(0.0, PAUSED_S - taken))
    os.kill(paused.process.pid, signal.SIGCONT)
    batch = fleet.client.finished(batch_id)
    riddles = {item["riddle"]["id"] for item in fleet.client.results(batch_id) if item["riddle"]}
    ((stored,),) = fleet.rows("SELECT count(*) FROM riddles")
    in_flight = held[dead.process.pid] + held[paused.process.pid]
    report.rows += [
        Row(what=f"of {count} articles delivered", value=len(riddles), at_least=count),
        Row(what="riddles stored", value=stored, at_most=count),
        Row(what="failed", value=batch["counts"]["failed"], at_most=0),
        Row(what="until others had all that the dead and the paused one had begun", value=taken, unit="s", at_most=30),
        Row(what="jobs these two had begun", value=in_flight),
        Row(what="model calls that were paid for twice", value=Calls(fleet.stub).repeated()),
    ]


def _one_and_two(report: Report, fleet: Fleet, stub: OpenAIStub, count: int) -> None:
    stub.default = Behaviour()
    for worker in fleet.workers:
        if worker.process.poll() is None:
            worker.process.terminate()
            worker.process.wait(60)
    rates = []
    for number in (1, 2):
        fleet.hire(1)
        fleet.client.finished(fleet.client.send(articles(AT_ONCE, first=10_000 * number), key=f"warm{number}"))
        started = time.monotonic()
        batch_id = fleet.client.send(articles(count, first=50_000 * number), key=f"many{number}")
        fleet.client.finished(batch_id)
        rates.append(count / (time.monotonic() - started))
    report.rows += [
        Row(what="articles a second, one worker, a model that answers at once", value=rates[0]),
        Row(what="with a second worker, times as many", value=rates[1] / rates[0], at_least=1.0),
    ]
    report.notes.append(
        "workers, API, PostgreSQL, Chroma and stub share this machine's cores: a second worker gains little"
    )
