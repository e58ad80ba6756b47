from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from service.operations import readiness
from service.operations.endpoints import ReadyzOut
from tests.support.chroma import chroma_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.service.http.conftest import Live, Serve


def test_the_process_says_that_it_is_alive(live: Live) -> None:
    assert live.get("/livez").json() == {"status": "alive"}


def test_readiness_is_told_per_dependency(live: Live) -> None:
    report = ReadyzOut.model_validate(_settled(live))
    assert report.status == "ready"
    assert set(report.dependencies) == {"database", "examples", "catalog", "jobs", "model"}
    assert {one.status for one in report.dependencies.values()} == {"ready"}


def _settled(live: Live) -> object:
    for _ in range(200):
        report = live.get("/readyz").json()
        if report["dependencies"]["model"]["status"] != "warming":
            return report
        time.sleep(0.05)
    return report


def test_a_pipeline_that_cannot_run_is_degraded_and_says_what_to_do(serve: Serve) -> None:
    live = serve(pipeline="no-such-pipeline")
    report = ReadyzOut.model_validate(_settled(live))
    assert report.status == "degraded"
    assert "no-such-pipeline" in report.dependencies["model"].detail


def test_a_broken_file_of_the_user_is_told_with_place_and_reason(serve: Serve) -> None:
    live = serve()
    folder = live.resources.settings.home / "prompts"
    folder.mkdir(exist_ok=True)
    (folder / "broken.yaml").write_text("name: broken\nversion: one\n")
    time.sleep(0.3)
    catalog = ReadyzOut.model_validate(live.get("/readyz").json()).dependencies["catalog"]
    assert catalog.status == "degraded"
    assert "broken.yaml" in catalog.detail
    assert str(folder) not in catalog.detail


def test_a_chroma_server_that_is_gone_makes_the_service_unavailable_until_it_is_back(
    serve: Serve, tmp_path: Path
) -> None:
    with chroma_server(tmp_path / "chroma") as (server, url):
        live = serve(chroma_url=url)
        assert live.get("/readyz").status_code == 200
        server.kill()
        server.wait()
        told = _until_readiness_is(live, "unavailable")
        assert told.dependencies["examples"].status == "failed"
        assert "check that Chroma runs" in told.dependencies["examples"].detail
    with chroma_server(tmp_path / "chroma", port=int(url.rpartition(":")[2])):
        assert _until_readiness_is(live, "ready").dependencies["examples"].status == "ready"


def test_a_chroma_server_that_hangs_is_told_in_time_for_a_probe(serve: Serve, tmp_path: Path) -> None:
    with chroma_server(tmp_path / "chroma") as (server, url):
        live = serve(chroma_url=url)
        assert live.get("/readyz").status_code == 200
        server.send_signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            told = _until_readiness_is(live, "unavailable")
            assert "no answer within" in told.dependencies["examples"].detail
            assert time.monotonic() - began < 10
        finally:
            server.send_signal(signal.SIGCONT)


def test_a_database_that_hangs_is_told_in_time_for_a_probe_and_asked_once(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, begun = threading.Event(), []

    def hang(check: str) -> Callable[[object], dict[str, str]]:
        def hanging(_: object) -> dict[str, str]:
            begun.append(check)
            answers.wait(30)
            return {"status": "ready", "detail": ""}

        hanging.__name__ = check
        return hanging

    live = serve()
    for check in ("_database", "_count_examples", "_jobs"):
        monkeypatch.setattr(readiness, check, hang(check))
    try:
        with ThreadPoolExecutor(3) as probes:
            began = time.monotonic()
            told = [probe.result() for probe in [probes.submit(live.get, "/readyz") for _ in range(3)]]
            took_s = time.monotonic() - began
        assert [answer.status_code for answer in told] == [503] * 3
        assert took_s < 2 * readiness._PATIENCE_S, "all are looked at side by side"
        assert sorted(begun) == ["_count_examples", "_database", "_jobs"]
    finally:
        answers.set()


def _until_readiness_is(live: Live, status: str) -> ReadyzOut:
    for _ in range(100):
        told = ReadyzOut.model_validate(live.get("/readyz").json())
        if told.status == status:
            return told
        time.sleep(0.1)
    raise AssertionError(told)


def test_metrics_count_requests_by_route_and_not_by_path(live: Live) -> None:
    for number in range(3):
        live.get(f"/v1/riddles/rid_{number}")
    live.get("/no/such/path")
    live.make()
    text = live.get("/metrics").text
    assert 'riddlewire_http_requests_total{method="GET",route="/v1/riddles/{riddle_id}",status="404"}' in text
    assert 'route="unmatched",status="404"' in text
    assert "rid_1" not in text
    assert "no/such" not in text


@pytest.mark.parametrize("path", ["/livez", "/v1/pipelines", "/openapi.json"])
def test_head_answers_as_get_does_without_the_body(live: Live, path: str) -> None:
    with live.client() as client:
        head = client.head(path)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(live.get(path).content))


def test_the_documentation_page_is_served(live: Live) -> None:
    assert "swagger" in live.get("/docs").text.lower()
