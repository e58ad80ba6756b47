from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from service.errors import Overloaded
from tests.service.http.test_refusals import assert_problem
from tests.support.feeds import RememberedBatches, feed_server, real_item, rss

if TYPE_CHECKING:
    from tests.service.http.conftest import Live, Serve

SAMPLE = {"kind": "rss", "url": "sample:"}


@pytest.fixture
def batches(live: Live) -> RememberedBatches:
    """Where the articles of the module's service go."""
    made = RememberedBatches(live.resources.engine)
    live.resources.feeds.connect(made)
    return made


def test_a_feed_lives_from_post_to_delete(live: Live) -> None:
    added = live.post("/v1/feeds", json={**SAMPLE, "schedule": "0 6 * * *", "timezone": "Europe/Berlin"})
    assert added.status_code == 201
    feed = added.json()
    path = added.headers["location"]
    assert path == f"/v1/feeds/{feed['id']}"
    assert (feed["kind"], feed["url"], feed["loader"], feed["pipeline"]) == ("rss", "sample:", None, None)
    assert (feed["last_pull_at"], feed["last_status"], feed["last_error"], feed["failures"]) == (None, None, None, 0)
    assert feed["next_pull_at"].endswith("Z")
    assert feed["counts"] == {"riddled": 0, "duplicate": 0, "skipped": 0, "waiting": 0}
    assert live.get(path).json() == feed
    assert feed in live.get("/v1/feeds").json()["items"]
    with live.client() as client:
        changed = client.put(path, json={**SAMPLE, "pipeline": "zero-shot"})
        assert (changed.status_code, changed.json()["pipeline"], changed.json()["schedule"]) == (200, "zero-shot", None)
        assert changed.json()["created_at"] == feed["created_at"]
        assert client.delete(path).status_code == 204
        for answer in (
            client.get(path),
            client.put(path, json=SAMPLE),
            client.delete(path),
            client.post(f"{path}/pull"),
        ):
            assert_problem(answer, 404)


def test_feeds_page_to_the_end_newest_first(live: Live) -> None:
    added = [live.post("/v1/feeds", json=SAMPLE).json()["id"] for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    with live.client() as client:
        while True:
            page = client.get("/v1/feeds", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
            seen += [feed["id"] for feed in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        for feed_id in seen:
            client.delete(f"/v1/feeds/{feed_id}")
    assert [feed_id for feed_id in seen if feed_id in added] == added[::-1]
    assert len(seen) == len(set(seen))


def test_a_pull_answers_with_the_batch_it_made_and_then_with_none(live: Live, batches: RememberedBatches) -> None:
    path = live.post("/v1/feeds", json=SAMPLE).headers["location"]
    first, second = (live.post(f"{path}/pull") for _ in range(2))
    assert first.status_code == second.status_code == 202
    (batch_id,) = batches.made
    assert first.headers["location"] == f"/v1/batches/{batch_id}"
    assert first.json()["batch"] == {"id": batch_id, "status": "queued", "counts": {"total": 8}}
    assert first.json()["entries"] == {"new": 8, "known": 0, "duplicate": 0, "skipped": [], "left": 0}
    assert second.json() == {
        "batch": None,
        "entries": {"new": 0, "known": 8, "duplicate": 0, "skipped": [], "left": 0},
    }
    assert "location" not in second.headers
    assert live.get(path).json()["counts"]["riddled"] == 8
    assert live.get(path).json()["last_status"] == "ok"


def test_a_batch_that_is_refused_is_told_and_nothing_is_lost(live: Live, batches: RememberedBatches) -> None:
    path = live.post("/v1/feeds", json={**SAMPLE, "pipeline": "zero-shot"}).headers["location"]
    batches.refuse = Overloaded(3)
    refused = live.post(f"{path}/pull")
    assert_problem(refused, 503)
    assert refused.headers["retry-after"] == "1"
    assert live.get(path).json()["last_status"] == "failed"
    batches.refuse = None
    assert live.post(f"{path}/pull").json()["entries"]["new"] == 8


def test_a_feed_that_cannot_be_fetched_is_told_as_a_source_and_not_as_an_article(serve: Serve) -> None:
    live = serve(feeds={"networks": ("127.0.0.1/32",), "pause_s": 0})
    feed = {"kind": "rss", "url": "http://127.0.0.1:9/news.xml"}
    problem = assert_problem(live.post(f"{live.post('/v1/feeds', json=feed).headers['location']}/pull"), 502)
    assert problem.type.endswith("fetch-failed")
    assert problem.title == "The source could not be fetched"


def test_where_nothing_makes_batches_a_pull_says_so(serve: Serve) -> None:
    live = serve()
    path = live.post("/v1/feeds", json=SAMPLE).headers["location"]
    live.resources.feeds.puller = _without_batches(live)
    assert_problem(live.post(f"{path}/pull"), 503)


def _without_batches(live: Live) -> Any:
    from dataclasses import replace

    return replace(live.resources.feeds.puller, batches=None)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"kind": "gopher", "url": "https://news.example/"}, "kind"),
        ({"kind": "rss"}, "url"),
        ({"kind": "rss", "url": "javascript:alert(1)"}, "no http"),
        ({"kind": "rss", "url": "file:///etc/passwd"}, "no http"),
        ({"kind": "rss", "url": "https://me:secret@news.example/"}, "password"),
        ({"kind": "rss", "url": "https://news.example/", "loader": "TextLoader"}, "loader"),
        ({"kind": "rss", "url": "http://169.254.169.254/latest/meta-data"}, "is not a public address"),
        ({"kind": "rss", "url": "http://10.0.0.1/"}, "is not a public address"),
        ({"kind": "rss", "url": "http://[::1]/"}, "is not a public address"),
        ({"kind": "rss", "url": "http://2130706433/"}, "is not a public address"),
        ({"kind": "rss", "url": "http://127.1/"}, "is not a public address"),
        ({"kind": "rss", "url": "http://localhost/"}, "is not a public address"),
        ({"kind": "jsonl", "url": "http://192.168.0.1/news.jsonl"}, "is not a public address"),
        ({"kind": "newsapi", "url": "http://127.0.0.1/v2"}, "RIDDLEWIRE_FEEDS_NETWORKS"),
        ({"kind": "rss", "url": "https://news.example:8443/"}, "port 8443"),
        ({"kind": "newsapi", "url": "sample:"}, "no http"),
        ({"kind": "newsapi", "url": "https://news.example/", "api_key": "unknown"}, "RIDDLEWIRE_FEEDS_API_KEYS"),
        ({"kind": "rss", "url": "https://news.example/", "api_key": "x"}, "newsapi"),
        ({"kind": "jsonl", "url": "/etc/passwd"}, "folders only"),
        ({"kind": "jsonl", "url": "../riddlewire.db"}, "folders only"),
        ({"kind": "loader", "loader": "TextLoader", "arguments": {"file_path": "/etc/passwd"}}, "FEEDS_LOADERS"),
        ({"kind": "loader"}, "loader"),
        ({"kind": "loader", "loader": "TextLoader", "url": "https://x.example"}, "loader"),
        ({**SAMPLE, "schedule": "every day"}, "five fields"),
        ({**SAMPLE, "schedule": "0 0 30 2 *"}, "cron"),
        ({**SAMPLE, "timezone": "Mars"}, "time zone"),
        ({"kind": "loader", "loader": "TextLoader", "arguments": {"a": "b\x00"}}, "NUL"),
        ({"kind": "loader", "loader": "TextLoader", "arguments": {"a": {"deep": {}}}}, "arguments"),
        ({**SAMPLE, "surprise": 1}, "surprise"),
        ({**SAMPLE, "url": "sample:\x00"}, "NUL"),
    ],
)
def test_a_feed_that_cannot_be_is_refused(live: Live, given: dict[str, Any], reason: str) -> None:
    answer = live.post("/v1/feeds", json=given)
    assert_problem(answer, 422)
    assert reason in answer.text
    assert "secret" not in answer.json()["detail"]


def test_a_key_of_the_operator_is_named_for_its_own_service_only(serve: Serve) -> None:
    live = serve(feeds={"api_keys": {"theirs": {"key": "sk-hunter2", "origin": "https://news.example"}}})
    for url, status in (
        ("https://news.example/v2/everything?q=fog", 201),
        ("https://NEWS.example:443/v2", 201),
        ("https://evil.example/", 422),
        ("http://news.example/", 422),
        ("https://news.example.evil.example/", 422),
    ):
        answer = live.post("/v1/feeds", json={"kind": "newsapi", "url": url, "api_key": "theirs"})
        assert answer.status_code == status, url
        assert "hunter2" not in answer.text


def test_a_feed_is_not_moved_to_a_private_address(live: Live) -> None:
    path = live.post("/v1/feeds", json=SAMPLE).headers["location"]
    with live.client() as client:
        assert_problem(client.put(path, json={"kind": "rss", "url": "http://10.0.0.1/"}), 422)
    assert live.get(path).json()["url"] == "sample:"


def test_networks_that_the_operator_allows_may_be_named(serve: Serve) -> None:
    live = serve(feeds={"networks": ("10.1.0.0/16", "127.0.0.0/8")})
    for url, status in (
        ("http://10.1.2.3:8080/", 201),
        ("http://localhost:8080/", 201),
        ("https://news.example/", 201),
        ("http://10.2.0.1/", 422),
        ("http://169.254.169.254/", 422),
    ):
        assert live.post("/v1/feeds", json={"kind": "rss", "url": url}).status_code == status, url


def test_an_unknown_pipeline_is_not_found(live: Live) -> None:
    assert_problem(live.post("/v1/feeds", json={**SAMPLE, "pipeline": "none"}), 404)


def test_a_loader_that_the_operator_allows_may_be_named(serve: Serve) -> None:
    live = serve(feeds={"loaders": ("TextLoader", "NoSuchLoader")})
    given = {"kind": "loader", "loader": "TextLoader", "arguments": {"file_path": "news.txt", "token": "s3cret"}}
    added = live.post("/v1/feeds", json=given)
    assert added.status_code == 201
    assert added.json()["arguments"] == ["file_path", "token"]
    assert "s3cret" not in live.get("/v1/feeds").text
    assert_problem(live.post("/v1/feeds", json={**given, "loader": "NoSuchLoader"}), 404)


def test_only_admins_change_feeds_and_writers_see_them(serve: Serve) -> None:
    live = serve()
    admin, writer, reader = (live.key(role) for role in ("admin", "writer", "reader"))
    path = live.post("/v1/feeds", json=SAMPLE, headers=admin).headers["location"]
    for headers, seen, changed in ((writer, 200, 403), (reader, 403, 403), ({}, 401, 401)):
        with live.client(headers=headers) as client:
            assert client.get("/v1/feeds").status_code == client.get(path).status_code == seen
            for answer in (
                client.post("/v1/feeds", json=SAMPLE),
                client.put(path, json=SAMPLE),
                client.delete(path),
                client.post(f"{path}/pull"),
            ):
                assert answer.status_code == changed
    assert live.get(path, headers=admin).status_code == 200


def test_tenants_do_not_see_each_others_feeds(serve: Serve) -> None:
    live = serve()
    keys = live.resources.keys
    first, second = (
        {"Authorization": f"Bearer {keys.create('k', 'admin', tenant=tenant)[1]}"} for tenant in ("one", "two")
    )
    path = live.post("/v1/feeds", json=SAMPLE, headers=first).headers["location"]
    assert live.get(path, headers=first).status_code == 200
    for answer in (live.get(path, headers=second), live.post(f"{path}/pull", headers=second)):
        assert_problem(answer, 404)
    assert live.get("/v1/feeds", headers=second).json()["items"] == []


async def test_a_feed_that_cannot_be_fetched_is_a_problem_and_stands_in_the_feed(serve: Serve) -> None:
    live = serve(feeds={"networks": ("127.0.0.1/32",), "pause_s": 0})
    live.resources.feeds.connect(RememberedBatches(live.resources.engine))
    async with feed_server(b"<html></html>") as server:
        added = await asyncio.to_thread(live.post, "/v1/feeds", json={"kind": "rss", "url": server.url})
        path = added.headers["location"]
        unreadable = await asyncio.to_thread(live.post, f"{path}/pull")
        assert_problem(unreadable, 502)
        assert unreadable.json()["type"].endswith(":feed-unreadable")
        server.body = rss(real_item(0))
        assert (await asyncio.to_thread(live.post, f"{path}/pull")).json()["entries"]["new"] == 1
    gone = await asyncio.to_thread(live.post, f"{path}/pull")
    assert_problem(gone, 502)
    assert live.get(path).json()["last_error"] == gone.json()["detail"]


async def test_a_serving_process_pulls_what_is_due(serve: Serve) -> None:
    live = serve(feeds={"networks": ("127.0.0.1/32",), "pause_s": 0})
    batches = RememberedBatches(live.resources.engine)
    live.resources.feeds.connect(batches)
    async with feed_server(rss(real_item(0))) as server:
        given = {"kind": "rss", "url": server.url, "schedule": "0 0 1 1 *"}
        feed_id = (await asyncio.to_thread(live.post, "/v1/feeds", json=given)).json()["id"]
        _make_due(live, feed_id)
        for _ in range(150):
            if batches.made:
                break
            await asyncio.sleep(0.1)
    assert len(batches.articles) == 1
    await asyncio.sleep(0.2)
    assert live.get(f"/v1/feeds/{feed_id}").json()["last_status"] == "ok"


def _make_due(live: Live, feed_id: str) -> None:
    from datetime import UTC, datetime

    from sqlalchemy import update

    from service.storage.feed_tables import feeds

    with live.resources.engine.begin() as connection:
        connection.execute(update(feeds).where(feeds.c.id == feed_id).values(next_pull_at=datetime.now(UTC)))
