"""One process, and a provider or a disk that misbehaves: nothing is lost, and what cannot be done is said."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from prompts import Catalog
from tests.service.jobs.lab import Client, articles, ended, mark
from tests.support.openai_stub import HTML, NO_RIDDLE, NONSENSE, Behaviour, OpenAIStub, rate_limited
from tests.support.program import Process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONCURRENCY = 8


@contextmanager
def served(home: Path, stub: OpenAIStub, **more: str) -> Iterator[tuple[Process, Client]]:
    """A service whose pipeline waits one second for the model."""
    folder = home / "pipelines"
    folder.mkdir(parents=True)
    text = Catalog().pipeline("openai").path.read_text()
    (folder / "openai.yaml").write_text(text.replace("timeout_s: 60", "timeout_s: 1"))
    service = Process(home, stub, environment={"RIDDLEWIRE_JOBS_CONCURRENCY": str(CONCURRENCY), **more})
    try:
        service.wait_until_ready()
        yield service, Client(lambda: service.url)
    finally:
        service.process.kill()
        service.process.wait(10)


def test_a_provider_that_refuses_is_left_alone_and_nothing_is_lost(tmp_path: Path, provider: OpenAIStub) -> None:
    with served(tmp_path / "home", provider) as (_, client):
        batch_id = client.send(articles(60))
        client.until(batch_id, lambda batch: ended(batch) >= 5)
        provider.default = rate_limited("2")
        time.sleep(1)  # what was on its way has arrived
        before = len(provider.requests)
        time.sleep(5)
        refused = len(provider.requests) - before
        provider.default = Behaviour(delay_s=0.15)
        batch = client.finished(batch_id)
    assert refused <= 4 * CONCURRENCY, "each article asks a refusing provider at most once in two seconds"
    assert batch["counts"]["published"] + batch["counts"]["needs_review"] == 60


def test_a_provider_that_answers_everything_with_an_error_page_is_left_alone_and_nothing_is_lost(
    tmp_path: Path, provider: OpenAIStub
) -> None:
    with served(tmp_path / "home", provider) as (_, client):
        batch_id = client.send(articles(60))
        client.until(batch_id, lambda batch: ended(batch) >= 5)
        provider.default = HTML
        time.sleep(1)  # what was on its way has arrived
        before = len(provider.requests)
        time.sleep(19)  # longer than five runs of an article take
        asked = len(provider.requests) - before
        provider.default = Behaviour(delay_s=0.15)
        batch = client.finished(batch_id)
    assert asked <= 2 * CONCURRENCY
    assert batch["counts"]["published"] + batch["counts"]["needs_review"] == 60


def test_an_article_that_alone_gets_bad_answers_fails_while_others_are_done(
    tmp_path: Path, provider: OpenAIStub
) -> None:
    provider.choose = lambda request: HTML if mark(request) == "1003" else None
    with served(tmp_path / "home", provider) as (_, client):
        batch = client.finished(client.send(articles(12)))
    assert batch["counts"]["failed"] == 1, batch


def test_a_run_after_a_failed_one_pays_for_no_call_that_was_answered(tmp_path: Path, provider: OpenAIStub) -> None:
    provider.enqueue(Behaviour(), HTML, NONSENSE)  # its summary, then its riddle
    with served(tmp_path / "home", provider, RIDDLEWIRE_CACHE_ENABLED="false") as (_, client):
        batch = client.finished(client.send(articles(1)))
    assert batch["counts"]["failed"] == 0, batch
    assert ["Riddle:" in request.text for request in provider.requests] == [False, True, True, True]


def test_a_provider_that_fails_hangs_and_talks_nonsense_loses_nothing(tmp_path: Path, provider: OpenAIStub) -> None:
    """While many articles are open: one that is left alone with bad answers is given up after five, see above."""
    chance = random.Random(11)
    faults = [Behaviour(status=500), Behaviour(hang=True), NONSENSE, HTML, NO_RIDDLE, Behaviour(reset=True)]
    provider.enqueue(*(chance.choice(faults) if chance.random() < 0.3 else Behaviour(delay_s=0.05) for _ in range(80)))
    with served(tmp_path / "home", provider) as (service, client):
        batch = client.finished(client.send(articles(40)))
        failed = [item["error"] for item in client.results(batch["id"]) if item["error"]]
        history = [line for line in service.log().splitlines() for error in failed if error["instance"] in line]
    assert failed == [], history
    assert batch["counts"]["published"] + batch["counts"]["needs_review"] == 40


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    """A disk of its own, which root may mount."""
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode != 0:
        pytest.skip("mounting a small disk takes root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def fill(disk: Path) -> Path:
    """Leave no room."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:  # what a buffer kept would be written, in vain, when it is closed
        try:
            while True:
                file.write(b"\0" * 65536)
        except OSError:
            return ballast


def test_on_a_full_disk_accepted_work_waits_and_new_work_is_refused(tmp_path: Path, provider: OpenAIStub) -> None:
    with small_disk(tmp_path / "disk", 64) as disk, served(disk / "home", provider) as (service, client):
        batch_id = client.send(articles(60))
        client.until(batch_id, lambda batch: ended(batch) >= 5)
        ballast = fill(disk)
        refused = httpx.post(
            f"{service.url}/v1/batches", json={"articles": articles(20, first=5000)}, timeout=30, trust_env=False
        )
        ready = httpx.get(f"{service.url}/readyz", timeout=30, trust_env=False)
        ballast.unlink()
        assert ready.status_code == 503, ready.text
        assert "its disk is full" in ready.json()["dependencies"]["database"]["detail"]
        assert refused.status_code == 503, refused.text
        assert refused.json()["type"].endswith("disk-full")
        batch = client.finished(batch_id)
        assert httpx.get(f"{service.url}/readyz", timeout=30, trust_env=False).status_code == 200
    assert batch["counts"]["published"] + batch["counts"]["needs_review"] == 60


def test_a_data_folder_that_cannot_be_written_stops_the_start_with_what_to_do(
    tmp_path: Path, provider: OpenAIStub
) -> None:
    with small_disk(tmp_path / "disk", 8) as disk:
        (disk / "home").mkdir()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        service = Process(disk / "home", provider, log=tmp_path / "service.log")
        assert service.process.wait(60) != 0
        assert "set RIDDLEWIRE_HOME to a folder that this user can write" in service.log()
