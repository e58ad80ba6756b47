"""`kills`: kill -9 of the only process in the middle of a batch, again and again. What is lost, and what is paid twice?

The lab of the tests, with more articles and more kills: `tests/service/jobs/test_kills.py` holds the invariants.
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.report import Report, Row
from tests.service.jobs.lab import Calls, Client, articles, ended, reply
from tests.support.openai_stub import Behaviour, OpenAIStub
from tests.support.program import Process

if TYPE_CHECKING:
    from bench.options import Options

ARTICLES, KILLS = 300, 5
ARTICLES_QUICK, KILLS_QUICK = 60, 2
AT_ONCE = 16
MODEL_S = 0.2


def measure(options: Options) -> Report:
    """Run it."""
    count, kills = (ARTICLES_QUICK, KILLS_QUICK) if options.quick else (ARTICLES, KILLS)
    seed = int(time.time())
    report = Report(name="kills", details={"seed": seed})
    chance = random.Random(seed)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        OpenAIStub(reply=reply, default=Behaviour(delay_s=MODEL_S)) as stub,
    ):
        home = Path(folder) / "home"
        service = _start(home, stub)
        client = Client(lambda: service.url)
        in_flight = 0
        try:
            batch_id = client.send(articles(count))
            for number in range(1, kills + 1):
                at = int((number - chance.random() * 0.8) * count / (kills + 1))
                client.until(batch_id, lambda batch, at=at: ended(batch) >= at)
                in_flight += stub.in_flight
                service.process.kill()
                service.process.wait(10)
                service = _start(home, stub)
            batch = client.finished(batch_id)
        finally:
            service.process.kill()
            service.process.wait(10)
        delivered = batch["counts"]["published"] + batch["counts"]["needs_review"]
        repeated, stored = Calls(stub).repeated(), service.stored()
    report.rows = [
        Row(what=f"of {count} articles delivered after {kills} kills", value=delivered, at_least=count),
        Row(what="riddles stored", value=stored, at_most=count, at_least=None),
        Row(what="model calls in flight when killed", value=in_flight),
        Row(what="model calls that were paid for twice", value=repeated, at_most=kills * AT_ONCE),
    ]
    return report


def _start(home: Path, stub: OpenAIStub) -> Process:
    service = Process(home, stub, environment={"RIDDLEWIRE_JOBS_CONCURRENCY": str(AT_ONCE)})
    service.wait_until_ready()
    return service
