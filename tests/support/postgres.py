"""A throw-away PostgreSQL server from the installed binaries, and `engine`, which runs a test on both databases.

`tests/conftest.py` registers the fixtures for all tests.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from service.storage.engine import open_engine
from service.storage.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Engine


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server that nobody else uses.

    Args:
        port: On 127.0.0.1.
        control: Runs `pg_ctl` on it with these arguments.
    """

    port: int
    control: Callable[..., None]

    def restart(self, *, away_s: float = 0.0) -> None:
        """Stop it as a power cut would, and start it again after so many seconds."""
        self.control("-m", "immediate", "-w", "stop")
        time.sleep(away_s)
        self.control("-w", "-t", "60", "start")

    def new_database(self, template: str = "template1") -> str:
        """Make a database, empty or as a copy of another one, and return its URL."""
        name = f"t_{uuid.uuid4().hex}"
        statement = SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template))
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)
        return self.url(name)

    def url(self, database: str) -> str:
        """The URL of a database by its name."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server for the whole test session; a machine without binaries skips, CI does not."""
    binaries = find_binaries()
    if binaries is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have PostgreSQL: no initdb in PATH or /usr/lib/postgresql/*/bin")
        pytest.skip("no PostgreSQL binaries: install the package 'postgresql'")
    with postgres_server(binaries) as server:
        yield server


@contextmanager
def postgres_server(binaries: Path) -> Iterator[PostgresServer]:
    """A server while the block runs, from programs in a folder."""
    folder = Path(tempfile.mkdtemp(prefix="riddlewire-pg-"))
    try:
        yield from _serve(binaries, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """The URL of an empty PostgreSQL database."""
    return postgres.new_database()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'home' / 'riddlewire.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with our schema, to be copied: migrating takes a third of a second, copying nothing."""
    file = tmp_path_factory.mktemp("migrated") / "riddlewire.db"
    _migrated(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def migrated_database(postgres: PostgresServer) -> str:
    """The name of a PostgreSQL database with our schema, to be copied."""
    url = postgres.new_database()
    _migrated(url)
    return url.rpartition("/")[2]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A migrated database, once of each kind."""
    if request.param == "sqlite":
        file = tmp_path / "riddlewire.db"
        shutil.copyfile(request.getfixturevalue("migrated_file"), file)
        url = f"sqlite:///{file}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database(template=request.getfixturevalue("migrated_database"))
    opened = open_engine(url)
    try:
        yield opened
    finally:
        opened.dispose()


def find_binaries() -> Path | None:
    """The folder of the newest installed server's programs."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve()] if on_path else list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    newest = max(found, key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0, default=None)
    return newest.parent if newest else None


def _serve(binaries: Path, folder: Path) -> Iterator[PostgresServer]:
    data = folder / "data"
    user = _unprivileged_user()
    if user:
        shutil.chown(folder, user)

    def run(program: str, *arguments: str) -> None:
        # output goes to a file: a server that holds our pipe would keep the call from ending
        with (folder / "output").open("ab") as output:
            command = [str(binaries / program), "-D", str(data), *arguments]
            subprocess.run(command, user=user, cwd=folder, stdout=output, stderr=output, check=True)

    run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
    port = _free_port()
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    server = PostgresServer(
        port, lambda *arguments: run("pg_ctl", "-l", str(folder / "log"), "-o", settings, *arguments)
    )
    server.control("-w", "-t", "60", "start")
    try:
        yield server
    finally:
        server.control("-m", "immediate", "-w", "stop")


def _migrated(url: str) -> None:
    opened = open_engine(url)
    migrate(opened)
    opened.dispose()  # a database with connections cannot be copied; SQLite writes its WAL into the file


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root."""
    return "postgres" if os.geteuid() == 0 else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
