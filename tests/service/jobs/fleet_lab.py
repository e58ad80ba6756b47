"""API processes that only take in, workers that do the work, PostgreSQL and a Chroma server, to be killed at will."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psycopg

from tests.service.jobs.lab import Client
from tests.support.chroma import chroma_server
from tests.support.program import Process

if TYPE_CHECKING:
    import subprocess
    from contextlib import ExitStack
    from pathlib import Path

    from tests.support.openai_stub import OpenAIStub

WORK = ("-m", "service.cli.main", "work")
CONCURRENCY = 6
DEAD_AFTER_S = 3


class Fleet:
    """Processes on one database and one example index.

    Args:
        folder: Where data folders and logs go.
        database: The URL of a database that need not have tables yet.
        chroma_port: Where the Chroma server listens, also when it comes back.
        stub: The provider that all of them ask.
    """

    def __init__(self, folder: Path, database: str, chroma_port: int, stub: OpenAIStub) -> None:
        self.folder = folder
        self.database = database
        self.chroma_port = chroma_port
        self.stub = stub
        self.settings = {
            "RIDDLEWIRE_DATABASE_URL": database,
            "RIDDLEWIRE_CHROMA_URL": f"http://127.0.0.1:{chroma_port}",
            "RIDDLEWIRE_JOBS_CONCURRENCY": str(CONCURRENCY),
            "RIDDLEWIRE_JOBS_DEAD_AFTER_S": str(DEAD_AFTER_S),
        }
        self.index: subprocess.Popen[bytes] | None = None
        self.apis: list[Process] = []
        self.workers: list[Process] = []
        self.client = self.client_of(0)

    def client_of(self, api: int) -> Client:
        """Somebody who talks to one of the APIs, by its number; also after it was replaced."""
        return Client(lambda: self.apis[api].url)

    def start(self, stack: ExitStack) -> None:
        """Start the example index and one API."""
        self.open_index(stack)
        self.open_api()

    def open_api(self) -> None:
        """Start one more process that takes in and does no work, and wait until it answers."""
        self.apis.append(self.new_api())
        self.apis[-1].wait_until_ready()

    def new_api(self) -> Process:
        """A process that takes in and does no work, once it is up."""
        settings = {**self.settings, "RIDDLEWIRE_JOBS_WORK": "false"}
        return Process(self._new_home("api"), self.stub, environment=settings)

    def new_worker(self, *options: str) -> Process:
        """A process that does jobs, once it is up."""
        return Process(self._new_home("worker"), self.stub, command=(*WORK, *options), environment=self.settings)

    def open_index(self, stack: ExitStack) -> None:
        """Start the Chroma server, on the same folder and port each time."""
        self.index, _ = stack.enter_context(chroma_server(self.folder / "chroma", self.chroma_port))

    def restart_index(self, stack: ExitStack, *, away_s: float) -> None:
        """Kill the Chroma server, and start it again after so many seconds."""
        assert self.index is not None
        self.index.kill()
        self.index.wait()
        time.sleep(away_s)
        self.open_index(stack)

    def hire(self, count: int) -> None:
        """Start workers, and wait until they are among the living."""
        self.workers += [self.new_worker() for _ in range(count)]
        self.wait_for_workers()

    def wait_for_workers(self) -> None:
        """Wait until every worker that was not killed has said that it lives."""
        ends = time.monotonic() + 90
        while not self._living() <= {row[0] for row in self.rows("SELECT pid FROM workers WHERE gone_at IS NULL")}:
            assert time.monotonic() < ends, [worker.log()[-2000:] for worker in self.workers]
            time.sleep(0.1)

    def rows(self, query: str) -> list[Any]:
        """What a query gives; nothing while the table is not there."""
        with psycopg.connect(self.database) as connection:
            try:
                return connection.execute(query.encode()).fetchall()
            except psycopg.errors.UndefinedTable:
                return []

    def at_work(self) -> dict[int, int]:
        """How many jobs each worker has begun and not ended, by its process id."""
        query = (
            "SELECT workers.pid, count(*) FROM jobs JOIN workers ON workers.id = jobs.worker "
            "WHERE jobs.status = 'running' GROUP BY 1"
        )
        return dict(self.rows(query))

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return int(self.rows(f"SELECT count(*) FROM {table}")[0][0])

    def dismiss(self) -> None:
        """End all of it."""
        self.dismiss_workers()
        _end(self.apis)

    def dismiss_workers(self) -> None:
        """End those who work, also one that is paused."""
        _end(self.workers)
        self.workers.clear()

    def _living(self) -> set[int]:
        return {worker.process.pid for worker in self.workers if worker.process.poll() is None}

    def _new_home(self, name: str) -> Path:
        """A data folder that no process had before; each has a log beside it."""
        return self.folder / f"{name}{len(list(self.folder.glob(f'{name}*.log')))}"


def _end(processes: list[Process]) -> None:
    for process in processes:
        if process.process.poll() is None:
            process.process.kill()
        process.process.wait(20)


def until(found: Any, timeout_s: float = 40) -> Any:
    """What `found` gives, once it is something."""
    ends = time.monotonic() + timeout_s
    while not (value := found()):
        assert time.monotonic() < ends
        time.sleep(0.05)
    return value
