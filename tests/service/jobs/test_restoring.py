"""A backup that was taken in the middle of a batch, restored: the batch is finished, and what was paid for is known."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from tests.service.jobs.lab import Client, articles, ended
from tests.support.chroma import chroma_server
from tests.support.program import running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.openai_stub import OpenAIStub
    from tests.support.postgres import PostgresServer

COUNT = 40
FEW_AT_ONCE = {"RIDDLEWIRE_JOBS_CONCURRENCY": "4"}


def back_up_sqlite(home: Path, into: Path) -> int:
    """Copy the database while it is in use, as the guide says; how many articles are done in the copy."""
    into.mkdir(mode=0o700)
    with (
        closing(sqlite3.connect(home / "riddlewire.db")) as source,
        closing(sqlite3.connect(into / "riddlewire.db")) as target,
    ):
        source.backup(target)
        return int(target.execute("SELECT count(*) FROM jobs WHERE riddle_id IS NOT NULL").fetchone()[0])


def all_done(client: Client, batch_id: str) -> None:
    batch = client.finished(batch_id)
    assert batch["counts"]["published"] + batch["counts"]["needs_review"] == COUNT
    riddles = [item["riddle"]["id"] for item in client.results(batch_id)]
    assert len(set(riddles)) == COUNT


def test_on_sqlite_a_batch_goes_on_where_the_backup_was_taken(tmp_path: Path, provider: OpenAIStub) -> None:
    home, restored = tmp_path / "home", tmp_path / "restored"
    with running(home, provider, **FEW_AT_ONCE) as service:
        client = Client(lambda: service.url)
        batch_id = client.send(articles(COUNT))
        client.until(batch_id, lambda batch: ended(batch) >= COUNT // 3)
        done = back_up_sqlite(home, restored)
        all_done(client, batch_id)
    before = len(provider.requests)
    with running(restored, provider, **FEW_AT_ONCE) as service:
        all_done(Client(lambda: service.url), batch_id)
    again = len(provider.requests) - before
    assert COUNT // 3 <= done < COUNT
    assert again <= 3 * (COUNT - done), "only what was done after the backup is done again"
    assert again >= COUNT - done


@pytest.mark.postgres
def test_on_postgresql_a_restored_dump_brings_its_jobs_and_their_queue(
    tmp_path: Path, postgres: PostgresServer, provider: OpenAIStub
) -> None:
    url, other = postgres.new_database(), postgres.new_database()
    with ExitStack() as stack:
        _, index = stack.enter_context(chroma_server(tmp_path / "chroma"))
        shared = {**FEW_AT_ONCE, "RIDDLEWIRE_CHROMA_URL": index, "RIDDLEWIRE_JOBS_DEAD_AFTER_S": "3"}
        with running(tmp_path / "home", provider, RIDDLEWIRE_DATABASE_URL=url, **shared) as service:
            client = Client(lambda: service.url)
            batch_id = client.send(articles(COUNT))
            client.until(batch_id, lambda batch: ended(batch) >= COUNT // 3)
            dump = tmp_path / "riddlewire.dump"
            subprocess.run(["pg_dump", "--format=custom", "--file", str(dump), url], check=True)
            all_done(client, batch_id)
        subprocess.run(["pg_restore", "--no-owner", "--dbname", other, str(dump)], check=True)
        began = time.monotonic()
        with running(tmp_path / "restored", provider, RIDDLEWIRE_DATABASE_URL=other, **shared) as service:
            all_done(Client(lambda: service.url), batch_id)
        assert time.monotonic() - began < 60
