from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from domain import Article
from service.cli.exits import Exit
from service.storage.batches import BatchRepository, NewBatch
from service.storage.engine import open_engine
from service.storage.intake import IntakeRules
from service.storage.jobs import JobRepository
from service.storage.migrate import migrate
from service.storage.tables import batch_items
from service.storage.writer import Writer
from tests.service.jobs.lab import Client, articles, reply
from tests.support.openai_stub import Behaviour, OpenAIStub
from tests.support.program import running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.cli.running import Cli

OLD, NEW, UNKNOWN = (f"bat_{number:032x}" for number in (1, 2, 9))


@pytest.fixture
def two(cli: Cli) -> Cli:
    """The command over a data folder with two batches that nobody works on."""
    cli.home.mkdir()
    engine = open_engine(f"sqlite:///{cli.home / 'riddlewire.db'}")
    migrate(engine)
    for batch_id, count in ((OLD, 3), (NEW, 2)):
        texts = [Article(text=f"{batch_id} {number}") for number in range(count)]
        new = NewBatch(id=batch_id, articles=texts, pipeline="p", key_id=None, tenant=None, priority=10)
        BatchRepository(engine).create(new, rules=IntakeRules(dedup_since=None))
    engine.dispose()
    return cli


def test_batches_are_listed_newest_first_with_what_waits(two: Cli) -> None:
    rows = [line.split("\t") for line in two("batches", "list").out.splitlines()]
    assert [(row[0], row[2:]) for row in rows] == [
        (NEW, ["queued", "p", "2", "2", "0", "0"]),
        (OLD, ["queued", "p", "3", "3", "0", "0"]),
    ]
    assert [one["id"] for one in two("batches", "list", "--json", "-n", "1").json] == [NEW]


def test_a_cancelled_batch_is_open_no_more(two: Cli) -> None:
    ended = two("batches", "cancel", OLD)
    assert (ended.code, ended.out) == (Exit.OK, "")
    assert ended.err == f"{OLD} is cancelled; 3 articles will not be made.\n"
    assert [one["id"] for one in two("batches", "list", "--open", "--json").json] == [NEW]
    two("batches", "cancel", NEW)
    none = two("batches", "list", "--open")
    assert (none.out, none.err) == ("", "No batch is open.\n")
    assert two("batches", "cancel", UNKNOWN).code == Exit.FAILED


def _fail_all(cli: Cli, batch_id: str) -> None:
    engine = open_engine(f"sqlite:///{cli.home / 'riddlewire.db'}")
    writer = Writer(engine)
    repository = JobRepository(engine, writer)
    with engine.connect() as connection:
        of_batch = select(batch_items.c.job_id).where(batch_items.c.batch_id == batch_id)
        ids = connection.execute(of_batch).scalars().all()
    for job_id in ids:
        started = asyncio.run(repository.abegin(job_id, "w1"))
        assert started is not None
        asyncio.run(repository.afail(started, {"detail": "no luck"}))
    writer.close()
    engine.dispose()


def test_no_more_articles_are_retried_than_may_wait(two: Cli) -> None:
    _fail_all(two, OLD)
    refused = two("batches", "retry", OLD, RIDDLEWIRE_JOBS_WAITING="4")
    assert refused.code == Exit.FAILED
    assert "more than 4 articles would wait" in refused.err
    assert [one["counts"]["failed"] for one in two("batches", "list", "--json").json] == [0, 3]
    assert two("batches", "retry", OLD, RIDDLEWIRE_JOBS_WAITING="5").code == Exit.OK


def test_retrying_says_who_makes_the_riddles(two: Cli) -> None:
    _fail_all(two, OLD)
    assert two("batches", "retry", OLD).err == (
        f"{OLD}: 3 articles wait. The service makes them; where none runs: riddlewire batch {OLD}\n"
    )
    two("batches", "cancel", OLD)
    two("batches", "cancel", NEW)
    assert two("batches", "retry", NEW).err == f"{NEW}: none failed.\n"


def test_a_servers_batch_is_cancelled_and_sent_anew_from_here(cli: Cli, tmp_path: Path) -> None:
    source = tmp_path / "articles.jsonl"
    source.write_text("".join(json.dumps(article) + "\n" for article in articles(40)))
    with OpenAIStub(reply=reply, default=Behaviour(delay_s=0.5)) as provider:
        environment = {"RIDDLEWIRE_JOBS_CONCURRENCY": "2"}
        with running(tmp_path / "served", provider, **environment) as service:
            there = ("--url", service.url)
            with cli.start("batch", str(source), *there) as follower:
                client = Client(lambda: service.url)
                while not provider.requests:
                    assert follower.poll() is None
                follower.terminate()
                _, told = follower.communicate(timeout=60)
            assert follower.returncode == Exit.INTERRUPTED
            batch_id = told.split("riddlewire batches cancel ")[1].split()[0]
            assert f"--url {service.url}" in told
            assert "is cancelled; " in cli.process("batches", "cancel", batch_id, *there).err
            client.finished(batch_id)
            provider.default = Behaviour()
            replayed = cli.process("batch", str(source), *there)
            assert "This batch was cancelled." in replayed.err
            anew = cli.process("batch", str(source), "--retry", *there)
    assert anew.code == Exit.OK, anew.err
    assert len(anew.out.splitlines()) == 40
    assert "cancelled" not in anew.err
