"""Real processes whose jobs get on, wait or hang: who asks is told which of it is the case."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from prompts import Catalog
from tests.service.jobs.lab import Client, articles, ended, reply
from tests.support.chroma import chroma_server
from tests.support.openai_stub import Behaviour, OpenAIStub, rate_limited
from tests.support.program import Process, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.postgres import PostgresServer

STUCK_AFTER_S = 3
PATIENT = {"RIDDLEWIRE_JOBS_STUCK_AFTER_S": str(STUCK_AFTER_S), "RIDDLEWIRE_JOBS_CONCURRENCY": "4"}

BLOCKED = """
import signal, time
from service.cli.main import main
signal.signal(signal.SIGUSR1, lambda *_: time.sleep(60))  # it runs on the thread of the event loop
main()
"""


def with_patient_steps(home: Path) -> Path:
    """A data folder whose pipeline waits for its model for an hour."""
    folder = home / "pipelines"
    folder.mkdir(parents=True)
    text = Catalog().pipeline("openai").path.read_text()
    (folder / "openai.yaml").write_text(text.replace("timeout_s: 60", "timeout_s: 3600"))
    return home


def get(url: str) -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=10, verify=False) as client:
        return client.get(url)


def until(found: Callable[[], Any], timeout_s: float = 40) -> Any:
    """What `found` gives, once it is something; a server that is not there yet is nothing."""
    ends = time.monotonic() + timeout_s
    while True:
        try:
            if value := found():
                return value
        except httpx.TransportError:
            pass
        assert time.monotonic() < ends
        time.sleep(0.1)


def samples(url: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """All metrics that a process shows, by name and labels."""
    families = text_string_to_metric_families(get(f"{url}/metrics").text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def jobs_of(service: Process) -> dict[str, str]:
    told: dict[str, str] = get(f"{service.url}/readyz").json()["dependencies"]["jobs"]
    return told


@contextmanager
def alone(home: Path, stub: OpenAIStub) -> Iterator[tuple[Process, Client]]:
    """The one process of an embedded service."""
    service = Process(with_patient_steps(home), stub, environment=PATIENT)
    try:
        service.wait_until_ready()
        yield service, Client(lambda: service.url)
    finally:
        service.process.kill()
        service.process.wait(10)


def test_the_only_process_tells_jobs_that_hang_from_jobs_that_get_on(tmp_path: Path, provider: OpenAIStub) -> None:
    with alone(tmp_path / "home", provider) as (service, client):
        assert jobs_of(service)["status"] == "ready"
        batch_id = client.send(articles(70))
        seen = []
        while ended(client.look(batch_id)) < 70:
            seen.append((time.monotonic(), jobs_of(service)["status"]))
            time.sleep(0.2)
        assert seen[-1][0] - seen[0][0] > STUCK_AFTER_S, "it was busy for longer than makes a stuck one"
        assert {status for _, status in seen} == {"ready"}
        provider.default = Behaviour(hang=True)
        client.send(articles(4, first=5000), key="hangs")
        told = until(lambda: (jobs := jobs_of(service))["status"] == "degraded" and jobs)
        assert "this process is stuck: 4 jobs in hand, and none has got on for" in told["detail"]
        assert "restart it" in told["detail"]
        assert get(f"{service.url}/readyz").status_code == 200, "riddles can still be made"
        assert samples(service.url)["riddlewire_worker_stuck", frozenset()] == 1


class Fleet:
    """An API process that does no jobs, and one worker that shows its pages."""

    def __init__(self, folder: Path, database: str, index: str, stub: OpenAIStub) -> None:
        self._stub = stub
        self._home = with_patient_steps(folder / "worker")
        self._settings = {
            **PATIENT,
            "RIDDLEWIRE_DATABASE_URL": database,
            "RIDDLEWIRE_CHROMA_URL": index,
            "RIDDLEWIRE_JOBS_DEAD_AFTER_S": "3",
        }
        self.worker: Process | None = None
        self._port = free_port()
        self.pages = f"http://127.0.0.1:{self._port}"
        environment = {**self._settings, "RIDDLEWIRE_JOBS_WORK": "false"}
        self.api = Process(folder / "api", stub, environment=environment)
        self.client = Client(lambda: self.api.url)
        self.api.wait_until_ready()

    def hire(self, *command: str) -> Process:
        """Start a worker, and wait until it answers."""
        work = (*(command or ("-m", "service.cli.main")), "work", "--metrics-port", str(self._port))
        worker = self.worker = Process(self._home, self._stub, command=work, environment=self._settings)
        until(lambda: get(f"{self.pages}/livez"))
        return worker

    def livez(self) -> tuple[int, str]:
        """What the worker says of itself."""
        answer = get(f"{self.pages}/livez")
        return answer.status_code, answer.json()["status"]

    def dismiss_worker(self) -> None:
        """End who works."""
        if self.worker is not None:
            self.worker.process.kill()
            self.worker.process.wait(20)
            self.worker = None

    def dismiss(self) -> None:
        """End all of it."""
        self.dismiss_worker()
        self.api.process.kill()
        self.api.process.wait(20)


@pytest.fixture(scope="module")
def stub() -> Iterator[OpenAIStub]:
    with OpenAIStub(reply=reply) as made:
        yield made


@pytest.fixture
def provider(stub: OpenAIStub) -> OpenAIStub:
    """A model that takes a while and says of which article it was asked, whatever the test before did to it."""
    stub.default = Behaviour(delay_s=0.15)
    return stub


@pytest.fixture(scope="module")
def offices(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer, stub: OpenAIStub) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    with ExitStack() as stack:
        _, index = stack.enter_context(chroma_server(folder / "chroma"))
        made = Fleet(folder, postgres.new_database(), index, stub)
        stack.callback(made.dismiss)
        yield made


@pytest.fixture
def fleet(offices: Fleet) -> Iterator[Fleet]:
    """The module's API without a worker; a test finishes what it sends, or is the last one."""
    yield offices
    offices.dismiss_worker()


@pytest.mark.postgres
def test_a_worker_whose_jobs_hang_asks_for_a_restart_which_gets_them_done(fleet: Fleet, provider: OpenAIStub) -> None:
    provider.default = Behaviour(hang=True)
    batch_id = fleet.client.send(articles(4))
    told = until(lambda: (jobs := jobs_of(fleet.api))["status"] == "degraded" and jobs)
    assert "4 articles wait" in told["detail"]
    assert "no worker lives" in told["detail"]
    stuck = fleet.hire()
    until(lambda: fleet.livez() == (503, "stuck"))
    told = until(lambda: (jobs := jobs_of(fleet.api))["status"] == "degraded" and jobs)
    assert "is stuck: 4 jobs in hand" in told["detail"]
    assert samples(fleet.api.url)["riddlewire_workers", frozenset({("state", "stuck")})] == 1
    provider.default = Behaviour(delay_s=0.05)
    stuck.process.kill()
    stuck.process.wait(10)
    fleet.hire()
    assert fleet.client.finished(batch_id)["counts"]["failed"] == 0
    assert fleet.livez() == (200, "idle")
    shown = samples(fleet.pages)
    assert shown["riddlewire_job_takeovers_total", frozenset()] == 4
    by_status = {labels: count for (name, labels), count in shown.items() if name == "riddlewire_jobs_ended_total"}
    assert sum(by_status.values()) == 4
    assert sum(count for (name, _), count in shown.items() if name == "riddlewire_model_calls_total") >= 8
    assert sum(count for (name, _), count in shown.items() if name == "riddlewire_model_tokens_total") > 0


@pytest.mark.postgres
def test_a_worker_whose_event_loop_is_blocked_still_answers_that_it_is_stuck_and_beats(fleet: Fleet) -> None:
    worker = fleet.hire("-c", BLOCKED)
    until(lambda: fleet.livez() == (200, "idle"))
    worker.process.send_signal(signal.SIGUSR1)
    until(lambda: fleet.livez() == (503, "stuck"))
    assert "its event loop has not turned" in get(f"{fleet.pages}/livez").json()["detail"]
    told = until(lambda: (jobs := jobs_of(fleet.api))["status"] == "degraded" and jobs)
    assert "is stuck: its event loop has not turned" in told["detail"]


@pytest.mark.postgres
def test_a_port_that_is_taken_stops_the_worker_before_it_begins_any_job(fleet: Fleet) -> None:
    fleet.hire()
    until(lambda: fleet.livez() == (200, "idle"))
    second = Process(
        fleet._home.parent / "second",
        fleet._stub,
        command=("-m", "service.cli.main", "work", "--metrics-port", str(fleet._port)),
        environment=fleet._settings,
    )
    assert second.process.wait(60) != 0
    assert "choose another --metrics-port" in second.log()
    with psycopg.connect(fleet._settings["RIDDLEWIRE_DATABASE_URL"]) as connection:
        joined = connection.execute("SELECT count(*) FROM workers WHERE pid = %s", (second.process.pid,)).fetchone()
    assert joined == (0,)


@pytest.mark.postgres
def test_a_worker_that_waits_for_its_provider_is_not_stuck_and_drains_alive(fleet: Fleet, provider: OpenAIStub) -> None:
    provider.default = rate_limited("30")
    worker = fleet.hire()
    batch_id = fleet.client.send(articles(4, first=2000), key="refused")
    until(lambda: fleet.livez() == (200, "waiting"))
    ends = time.monotonic() + 1.5 * STUCK_AFTER_S
    while time.monotonic() < ends:
        assert fleet.livez() == (200, "waiting")
        time.sleep(0.2)
    assert jobs_of(fleet.api)["status"] == "ready"
    reruns = sum(value for (name, _), value in samples(fleet.pages).items() if name == "riddlewire_job_reruns_total")
    assert 1 <= reruns <= 4  # the others wait at the door that the first refusals have shut
    worker.process.terminate()
    assert worker.process.wait(20) == 0
    assert fleet.client.look(batch_id)["counts"]["failed"] == 0
